import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.results.histogram import bucket
from relayload.core.wire.answers import Tokens
from relayload.core.wire.request import Endpoint, RelayFault
from relayload.core.wire.stream import StreamFlaw, TokenStream

DONE = b"data: [DONE]\n\n"


def event(delta: Any = None, finish_reason: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]} | fields).encode() + b"\n\n"


def content(text: str) -> bytes:
    return event({"content": text})


def stream_of(*arrivals: tuple[float, bytes], keep_text: bool = True) -> TokenStream:
    stream = TokenStream(Endpoint.CHAT, bucket, keep_text=keep_text)
    for at_s, data in arrivals:
        stream.feed(data, at_s)
    stream.end(arrivals[-1][0])
    return stream


def test_the_first_token_is_the_first_that_is_not_empty():
    stream = stream_of(
        (1.0, event({"role": "assistant", "content": ""})),
        (2.0, event({"content": None})),
        (3.0, content("a")),
        (4.0, content("b")),
        (4.0, DONE),
    )
    assert (stream.first_token_at_s, stream.first_visible_at_s, stream.last_token_at_s) == (3.0, 3.0, 4.0)
    assert (stream.chunks, stream.text, stream.flaw) == (2, "ab", None)


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"tool_calls": [{"index": 0, "function": {"name": "f"}}]},
        {"function_call": {"name": "f"}},
    ],
)
def test_a_thought_or_a_tool_call_is_a_token_but_not_visible(delta):
    stream = stream_of((1.0, event(delta)), (2.0, content("a")), (2.0, DONE))
    assert (stream.first_token_at_s, stream.first_visible_at_s) == (1.0, 2.0)
    assert stream.chunks == 2


def detail(kind: str, **fields: Any) -> dict[str, Any]:
    return {"reasoning_details": [{"type": kind, "index": 0} | fields]}


def thinking(text: str) -> dict[str, Any]:
    return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}


def said(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


@pytest.mark.parametrize(
    ("delta", "thought_bytes", "summarised"),
    [
        ({"reasoning_content": "h\u00fc"}, 3, False),
        ({"reasoning": "hm"}, 2, False),
        ({"thinking": "hm"}, 2, False),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}, 2, False),
        (thinking("hm"), 2, False),
        (detail("reasoning.text", text="hm"), 2, False),
        (detail("reasoning.summary", summary="hm"), 2, True),
        ({"reasoning": "hm"} | detail("reasoning.text", text="hm"), 2, False),
        ({"reasoning": "hm"} | detail("reasoning.summary", summary="hm"), 2, True),
        ({"content": "", "reasoning_details": [{"text": "h"}, {"text": "m"}]}, 2, False),
    ],
)
def test_thoughts_are_tokens_wherever_they_stand(delta, thought_bytes, summarised):
    stream = stream_of((1.0, event(delta)), (2.0, event(said("Yes"))), (2.0, event({}, "stop")))
    assert (stream.first_token_at_s, stream.first_visible_at_s, stream.chunks) == (1.0, 2.0, 2)
    assert (stream.thought_bytes, stream.summarised, stream.text) == (thought_bytes, summarised, "Yes")


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "", "reasoning": None},
        {"thinking": ""},
        {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s"}]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "AbC"}]},
        thinking(""),
        said(""),
        {"content": [{"type": "thinking", "thinking": []}]},
        {"content": [{"type": "redacted_thinking", "data": "AbC"}]},
        detail("reasoning.encrypted", data="AbC"),
        detail("reasoning.text", text="", signature="s"),
        detail("reasoning.summary", summary=""),
        {"reasoning_details": []},
        {"tool_calls": [{"index": 0, "function": {"arguments": ""}}]},
        {"tool_calls": [{}, 7]},
        {"audio": {"id": "a1"}},
    ],
)
def test_what_is_empty_or_encrypted_is_no_token(delta):
    stream = stream_of((1.0, event(delta)), (2.0, content("a")), (2.0, event({}, "stop")))
    assert (stream.first_token_at_s, stream.chunks) == (2.0, 1)
    assert (stream.thought_bytes, stream.summarised) == (0, False)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "Yes", "reasoning_content": "hm"},
        {"content": [*thinking("hm")["content"], *said("Yes")["content"]]},
        {"content": "Yes"} | detail("reasoning.text", text="hm"),
    ],
)
def test_an_event_with_a_thought_and_a_text_is_visible(delta):
    stream = stream_of((1.0, event(delta)), (2.0, event({}, "stop")))
    assert (stream.first_visible_at_s, stream.chunks, stream.text, stream.thought_bytes) == (1.0, 1, "Yes", 2)


@pytest.mark.parametrize(
    "delta", [{"images": [{"type": "image_url"}]}, {"content": [{"type": "image_url", "image_url": {"url": "u"}}]},
              {"audio": {"transcript": "Yes"}}, {"audio": {"data": "AbC"}}]
)  # fmt: skip
def test_pictures_and_sound_are_visible(delta):
    assert stream_of((1.0, event(delta)), (2.0, event({}, "stop"))).first_visible_at_s == 1.0


def test_thoughts_that_look_alike_are_measured_like_all_others():
    stream = stream_of(*((float(at), event({"reasoning_content": text})) for at, text in enumerate(("a", "bc", "def"))))
    assert (stream.chunks, stream.thought_bytes) == (3, 6)


def test_a_refusal_is_visible():
    stream = stream_of((1.0, event({"refusal": "no"})), (1.0, DONE))
    assert (stream.first_visible_at_s, stream.text) == (1.0, "no")


def test_every_gap_between_content_events_is_counted():
    stream = stream_of(
        (1.0, content("a")),
        (1.25, content("b")),
        (1.3, b": keep-alive\n\n"),
        (1.5, content("c") + content("d")),
        (9.0, event({}, "stop")),
    )
    assert stream.gap_counts == {bucket(0.25): 2, bucket(0.0): 1}


def test_an_event_with_several_choices_is_one_chunk():
    both = b'data: {"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}\n\n'
    assert stream_of((1.0, both)).chunks == 1


def test_the_text_of_several_choices_is_that_of_the_first():
    def said(index: int, text: str) -> bytes:
        return b'data: {"choices":[{"index":%d,"delta":{"content":"%b"}}]}\n\n' % (index, text.encode())

    texts = [(0, "He"), (1, "Good"), (0, "ll"), (1, " day"), (0, "o"), (1, "!")]
    stream = stream_of(*((float(number), said(*each)) for number, each in enumerate(texts)))
    assert (stream.text, stream.chunks) == ("Hello", 6)


def test_the_last_usage_wins():
    stream = stream_of(
        (1.0, event({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 1})),
        (2.0, event({"content": "b"}, usage=None)),
        (3.0, b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'),
    )
    assert stream.tokens == Tokens(input=3, output=2)


def test_a_usage_that_tells_nothing_does_not_win():
    stream = stream_of((1.0, event(usage={"completion_tokens": 1})), (2.0, event(usage={})), (3.0, DONE))
    assert stream.tokens == Tokens(output=1)


def test_an_empty_finish_reason_is_none():
    events = [(at_s, event({"content": "a"}, "")) for at_s in (1.0, 2.0, 3.0)]
    stream = stream_of(*events)
    assert (stream.chunks, stream.finished, stream.flaw) == (3, False, StreamFlaw.NO_FINISH)
    assert stream_of(*events, (4.0, event({}, "stop"))).finish_reason == "stop"


def test_without_a_finish_and_without_done_the_stream_is_broken():
    assert stream_of((1.0, content("a"))).flaw is StreamFlaw.NO_FINISH


@pytest.mark.parametrize(
    "ending",
    [DONE, event({}, "stop"), event({"content": "b"}, "length"), b"data: [DONE]", b"data: [DONE] \n\n"],
)
def test_done_or_a_finish_reason_is_enough(ending):
    stream = stream_of((1.0, content("a")), (2.0, ending))
    assert (stream.flaw, stream.finished) == (None, True)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'data: {"error":{"message":"m","type":"t","code":"500"}}\n\n', RelayFault("m", "t", "500")),
        (b'data: {"error":"m","choices":[]}\n\n', RelayFault("m")),
        (b'event: error\ndata: {"message":"m"}\n\n', RelayFault("m")),
        (b"event: error\ndata: gone\n\n", RelayFault("gone")),
    ],
)
def test_an_error_event_is_an_error_even_before_done(data, fault):
    stream = stream_of((1.0, content("a")), (2.0, data), (3.0, DONE))
    assert (stream.flaw, stream.fault) == (StreamFlaw.ERROR_EVENT, fault)


def test_the_first_error_is_the_one_that_counts():
    stream = stream_of((1.0, b'data: {"error":"first"}\n\n'), (1.0, b'data: {"error":"second"}\n\n'))
    assert stream.fault == RelayFault("first")


def test_a_null_error_is_none():
    assert stream_of((1.0, event({"content": "a"}, "stop", error=None))).flaw is None


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: \xff\n\n", b"data: []\n\n", b"data: pong\n\n"])
def test_an_event_that_is_no_chunk_makes_the_stream_malformed(data):
    assert stream_of((1.0, content("a")), (2.0, data), (3.0, DONE)).flaw is StreamFlaw.MALFORMED_EVENT


@pytest.mark.parametrize("data", [b": PING\n\n", b"data:\n\n", b"data: {}\n\n", b'data: {"choices":null}\n\n'])
def test_what_says_nothing_changes_nothing(data):
    stream = stream_of((1.0, data), (2.0, content("a")), (3.0, data), (4.0, DONE))
    assert (stream.chunks, stream.first_token_at_s, stream.flaw) == (1, 2.0, None)


@pytest.mark.parametrize(
    ("chunks", "first_at_s", "buffered"), [(11, 9.996, True), (11, 9.99, False), (10, 9.996, False), (0, None, False)]
)
def test_many_events_at_the_very_end_were_held_back(chunks, first_at_s, buffered):
    stream = TokenStream(Endpoint.CHAT, bucket)
    for _ in range(chunks):
        stream.feed(content("a"), first_at_s)
    assert stream.buffered(10.0) is buffered


def test_events_that_look_alike_are_counted_like_all_others():
    events = [content(text) for text in ("", "a", "b", "c", 'd"', "e", "f")] + [event({"content": "g"}, "length")]
    thoughts = [event({"reasoning_content": text}) for text in ("x", "y", "z")]
    stream = stream_of(*((float(at), each) for at, each in enumerate([*thoughts, *events, DONE])))
    assert stream.text == 'abcd"efg'
    assert (stream.chunks, stream.first_token_at_s, stream.first_visible_at_s) == (10, 0.0, 4.0)
    assert stream.gap_counts == {bucket(1.0): 8, bucket(2.0): 1}
    assert (stream.finish_reason, stream.flaw) == ("length", None)


def test_text_is_told_as_it_comes():
    told: list[str] = []
    stream = TokenStream(Endpoint.CHAT, bucket, on_text=told.append)
    for number, text in enumerate(("a", "b", "c", "d")):  # the later ones look like the first and are not parsed
        stream.feed(content(text), float(number))
        assert told[-1] == text
    assert told == ["a", "b", "c", "d"]


def test_text_is_only_kept_where_it_is_asked_for():
    assert stream_of((1.0, content("a")), keep_text=False).text == ""


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
_EVENTS = st.one_of(
    _TEXTS.map(content),
    st.sampled_from([b": ping\n\n", b"data: {}\n\n", event({"role": "assistant"}), event({"reasoning": "x"})]),
)


@given(st.lists(_EVENTS, max_size=20), st.lists(st.integers(0, 3000), max_size=10))
def test_cutting_a_stream_changes_nothing_but_instants(events, cuts):
    data = b"".join(events) + DONE
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[begin:end] for begin, end in pairwise(edges)]
    whole = stream_of((1.0, data))
    cut = stream_of(*((1.0, piece) for piece in pieces))
    one_by_one = stream_of(*((1.0, piece) for piece in [*events, DONE]))
    for name in ("chunks", "text", "flaw", "done_at_s", "finish_reason", "first_token_at_s", "gap_counts"):
        assert getattr(cut, name) == getattr(whole, name) == getattr(one_by_one, name)


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_garbage_is_survived(pieces):
    stream = stream_of(*((1.0, piece) for piece in pieces), (2.0, DONE))
    assert stream.chunks == 0
