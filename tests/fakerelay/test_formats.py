import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from relayload.fakerelay.behavior import Behavior, Reply
from relayload.fakerelay.bodies import ChatBody, CompletionBody, EmbeddingBody, ResponseBody
from relayload.fakerelay.formats import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, Format
from relayload.fakerelay.parsed_request import ParsedEmbeddingRequest, ParsedRequest
from relayload.fakerelay.preset import Preset
from relayload.fakerelay.refusals import Reason, Refusal

PRESET = Preset.model_validate(
    {
        "models": {"m": {"ttft": {"any": "1ms"}, "speed": "9/s", "output_tokens": {"any": "5"}}},
        "embedding_models": {"e": {"latency": "1ms", "dimensions": 3}},
    }
)
FORMATS = {
    "chat": (CHAT, ChatBody, {"model": "m", "messages": [{"role": "user", "content": "json"}]}),
    "responses": (RESPONSES, ResponseBody, {"model": "m", "input": "json"}),
    "completions": (COMPLETIONS, CompletionBody, {"model": "m", "prompt": "a"}),
    "embeddings": (EMBEDDINGS, EmbeddingBody, {"model": "e", "input": "a"}),
}
NAMES = """type role content text name function arguments parameters schema json_schema properties format effort url
detail image_url strict include_usage"""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | st.sampled_from(["", "a", "auto", "user"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=3),
    max_leaves=6,
)


def answered(format_: Format, body: dict) -> tuple[ParsedRequest | ParsedEmbeddingRequest, Reply] | Refusal:
    try:
        parsed = format_.read(json.dumps(body).encode(), {})
        return parsed, format_.turn(Behavior(PRESET), parsed, "key", 0.0).reply
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_whatever_a_parameter_is_the_request_is_answered_or_refused_with_a_place(name, data):
    format_, body_type, sound = FORMATS[name]
    odd = data.draw(st.dictionaries(st.sampled_from(body_type.__struct_fields__), ANYTHING, max_size=2))
    answer = answered(format_, sound | odd)
    if isinstance(answer, Refusal):
        assert answer.reason in (Reason.BAD_VALUE, Reason.UNKNOWN_MODEL)
        assert answer.param
        assert answer.message
        return
    parsed, reply = answer
    words = reply.words()
    assert len(words) == reply.output_tokens
    assert encode(format_.body(parsed, reply, 0, words))
    if parsed.stream:
        events = format_.events(parsed, reply, 0)
        assert all(events.token(token) for token in range(reply.output_tokens))
        assert events.closing()
