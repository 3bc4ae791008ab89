import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.histogram import bucket
from relayload.core.wire.answers import Tokens
from relayload.core.wire.finish import FAILED_FINISHES
from relayload.core.wire.request import Endpoint, RelayFault
from relayload.core.wire.response_limits import ResponseLimits, TooLarge
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
        (4.0, event({}, "stop")),
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


def test_the_length_of_the_text_does_not_depend_on_how_it_was_cut():
    apart = stream_of(*((float(second), content(text)) for second, text in enumerate(["Grü", "ße", ' "an"', " alle"])))
    whole = stream_of((1.0, content('Grüße "an" alle')))
    assert (apart.chunks, whole.chunks) == (4, 1)
    assert apart.visible_bytes == whole.visible_bytes == len('Grüße "an" alle'.encode())


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


@pytest.mark.parametrize(
    "told",
    [
        {"usage": {"prompt_tokens": 7, "completion_tokens": 5}},
        {"usage": {"prompt_tokens": 7.0, "completion_tokens": 5.0}},
        {"usage": {"input_tokens": 7, "output_tokens": 5}},
        {"x_groq": {"id": "r1", "usage": {"prompt_tokens": 7, "completion_tokens": 5}}},
        {"choices": [{"index": 0, "delta": {}, "usage": {"prompt_tokens": 7, "completion_tokens": 5}}]},
        {"usage": {"prompt_tokens": 7, "completion_tokens": 5, "x": float("nan")}},
    ],
)
def test_usage_is_heard_wherever_it_is_told(told):
    stream = stream_of((1.0, content("a")), (2.0, event({}, "stop", **told)), (3.0, DONE))
    assert stream.tokens == Tokens(input=7, output=5)


@pytest.mark.parametrize(
    "later", [{}, {"completion_tokens": 0}, {"completion_tokens": None}, {"completion_tokens": 10**400},
              {"completion_tokens": 2**40 + 1}, {"completion_tokens": float("inf")}, {"completion_tokens": "x"}]
)  # fmt: skip
def test_usage_never_goes_back_to_nothing(later):
    stream = stream_of((1.0, event(usage={"prompt_tokens": 3, "completion_tokens": 4})), (2.0, event(usage=later)))
    assert stream.tokens == Tokens(input=3, output=4)


@pytest.mark.parametrize("nothing", ["", "  ", None, 7, []])
def test_an_empty_id_is_none(nothing):
    assert stream_of((1.0, event(id=nothing)), (2.0, event(id="c1")), (3.0, event(id="c2"))).answer_id == "c1"


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


@pytest.mark.parametrize("ending", [event({}, "stop"), event({"content": "b"}, "length"), event({}, "stop") + DONE])
def test_a_finish_reason_is_enough(ending):
    stream = stream_of((1.0, content("a")), (2.0, ending))
    assert (stream.flaw, stream.finished) == (None, True)


@pytest.mark.parametrize("ending", [DONE, b"data: [DONE]", b"data: [DONE] \n\n"])
def test_done_alone_is_enough_only_where_the_finish_reason_is_optional(ending):
    stream = stream_of((1.0, content("a")), (2.0, ending))
    assert (stream.flaw, stream.flaw_where("optional"), stream.finished) == (StreamFlaw.NO_FINISH, None, True)
    assert stream_of((1.0, content("a"))).flaw_where("optional") is StreamFlaw.NO_FINISH


@pytest.mark.parametrize(
    "nothing",
    [b"", event({"role": "assistant", "content": ""}), event({}, ""), b'data: {"choices":[]}\n\n', b": ping\n\n",
     b'data: {"choices":[],"usage":{"completion_tokens":0}}\n\n'],
)  # fmt: skip
def test_a_stream_that_is_over_before_there_was_anything_is_no_answer(nothing):
    stream = stream_of((1.0, nothing), (2.0, DONE))
    assert (stream.flaw, stream.flaw_where("optional")) == (StreamFlaw.NO_OUTPUT, StreamFlaw.NO_OUTPUT)


def test_an_empty_answer_that_says_why_it_ended_is_one():
    assert stream_of((1.0, event({"role": "assistant"}, "stop")), (2.0, DONE)).flaw is None


@pytest.mark.parametrize("reason", [*sorted(FAILED_FINISHES), "ERROR", "Abort"])
def test_a_finish_reason_may_mean_failure(reason):
    stream = stream_of((1.0, content("a")), (2.0, event({}, reason)), (3.0, DONE))
    assert (stream.flaw, stream.finish_reason) == (StreamFlaw.FAILED_FINISH, reason)


@pytest.mark.parametrize(
    "reason",
    [
        *[
            "internal_server_error",
            "overloaded",
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "network-error",
            "FinishReason.ERROR",
            "internalError",
            "timed_out",
            "rate_limited",
            "out_of_memory",
            "OOM",
        ],
        " error ",
        "upstream timeout",
    ],
)
def test_a_finish_reason_with_a_word_of_failure_in_it_means_one(reason):
    assert stream_of((1.0, content("a")), (2.0, event({}, reason)), (3.0, DONE)).flaw is StreamFlaw.FAILED_FINISH


@pytest.mark.parametrize(
    "reason",
    [
        "stop",
        "length",
        "tool_calls",
        "content_filter",
        "eos_token",
        "model_length",
        "?",
        "SAFETY",
        "MAX_TOKENS",
        "terror_stop",
        "room",
        "end_turn",
    ],
)
def test_other_finish_reasons_do_not(reason):
    assert stream_of((1.0, content("a")), (2.0, event({}, reason))).flaw is None


def test_one_choice_that_failed_fails_the_answer():
    both = b'data: {"choices":[{"index":0,"finish_reason":"abort"},{"index":1,"finish_reason":"stop"}]}\n\n'
    assert stream_of((1.0, content("a")), (2.0, both)).flaw is StreamFlaw.FAILED_FINISH
    assert stream_of((1.0, event({}, "error")), (2.0, event({}, "stop"))).flaw is StreamFlaw.FAILED_FINISH


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'data: {"error":{"message":"m","type":"t","code":"500"}}\n\n', RelayFault("m", "t", "500")),
        (b'data: {"error":"m","choices":[]}\n\n', RelayFault("m")),
        (b'event: error\ndata: {"message":"m"}\n\n', RelayFault("m")),
        (b"event: error\ndata: gone\n\n", RelayFault("gone")),
        (b"event: Error\ndata: gone\n\n", RelayFault("gone")),
        (b"event: error\n\n", RelayFault()),
        (b'error: {"code":400,"message":"m","type":"t"}\n\n', RelayFault("m", "t", "400")),
        (b'error:{"message":"m"}\r\n\r\n', RelayFault("m")),
        (b"error: gone\n\n", RelayFault("gone")),
        (b'{"error":{"message":"m","code":"c"}}\n\n', RelayFault("m", None, "c")),
        (b'data: {"error":{"message":"m"}} and more\n\n', RelayFault("m")),
        (
            b'data: {"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}\n\n',
            RelayFault("m", "BadRequestError", "400"),
        ),
        (b'data: {"message":"m"}\n\n', RelayFault("m")),
        (b'data: {"code":"insufficient_quota","msg":"m"}\n\n', RelayFault("m", None, "insufficient_quota")),
        (b'data: {"error_code":336003,"error_msg":"m"}\n\n', RelayFault("m", None, "336003")),
        (b'data: {"error":"m","error_type":"overloaded"}\n\n', RelayFault("m", "overloaded")),
        (b'data: {"error":true,"message":"m","code":"c"}\n\n', RelayFault("m", None, "c")),
        (b'data: {"error":{"message":"m"},"code":429}\n\n', RelayFault("m", None, "429")),
        (b'data: {"type":"error","error":{"type":"t","message":"m"}}\n\n', RelayFault("m", "t")),
        (b'data: [{"error":{"message":"m","code":503}}]\n\n', RelayFault("m", None, "503")),
        (
            b'data: {"choices":[{"error":{"code":502,"message":"m"},"delta":{},"finish_reason":"error"}]}\n\n',
            RelayFault("m", None, "502"),
        ),
        (
            b'data: {"choices":null,"base_resp":{"status_code":1008,"status_msg":"m"}}\n\n',
            RelayFault("m", "insufficient_quota", "1008"),
        ),
        (b'data: {"error":{"message":"\\ud83d"}}\n\n', RelayFault("\ufffd")),
    ],
)
def test_an_error_event_is_an_error_even_before_done(data, fault):
    stream = stream_of((1.0, content("a")), (2.0, data), (3.0, DONE))
    assert (stream.flaw, stream.fault) == (StreamFlaw.ERROR_EVENT, fault)


def test_the_first_error_is_the_one_that_counts():
    stream = stream_of((1.0, b'data: {"error":"first"}\n\n'), (1.0, b'data: {"error":"second"}\n\n'))
    assert stream.fault == RelayFault("first")


@pytest.mark.parametrize("error", [None, "", {}, [], 0, False, {"code": 0, "message": ""}])
def test_an_empty_error_is_none(error):
    assert stream_of((1.0, event({"content": "a"}, "stop", error=error))).flaw is None


@pytest.mark.parametrize(
    "said",
    [{"code": 0, "message": "success"}, {"code": "200", "msg": "ok"}, {"base_resp": {"status_code": 0}},
     {"type": "ping"}, {"usage": {"completion_tokens": 1}, "message": "m"}],
)  # fmt: skip
def test_words_of_success_are_no_error(said):
    stream = stream_of((1.0, b"data: " + json.dumps(said).encode() + b"\n\n"), (2.0, event({"content": "a"}, "stop")))
    assert stream.flaw is None


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "data",
    [b"data: {\n\n", b"data: \xff\n\n", b"data: []\n\n", b"data: pong\n\n",
     b'data: {"choices":[{"finish_reason":["stop"]}]}\n\n'],
)  # fmt: skip
def test_an_event_that_is_no_chunk_makes_the_stream_malformed(data):
    assert stream_of((1.0, content("a")), (2.0, data), (3.0, DONE)).flaw is StreamFlaw.MALFORMED_EVENT


@pytest.mark.parametrize(
    "data", [b'data: {"choices":%b}\n\n' % DEEP, b'data: {"x":%b}\n\n' % DEEP], ids=["read", "not read"]
)
def test_an_event_that_nests_too_deep_is_too_large(data):
    with pytest.raises(TooLarge):
        stream_of((1.0, content("a")), (2.0, data))


def test_an_event_within_the_limits_may_still_nest_deeper_than_it_can_be_read():
    limits = ResponseLimits(nesting=200_000, values=1_000_000)
    stream = TokenStream(Endpoint.CHAT, bucket, limits=limits)
    stream.feed(b'data: {"choices":%b}\n\n' % DEEP, 1.0)
    assert stream.flaw is StreamFlaw.MALFORMED_EVENT


@pytest.mark.parametrize("data", [b": PING\n\n", b"data:\n\n", b"data: {}\n\n", b'data: {"choices":null}\n\n'])
def test_what_says_nothing_changes_nothing(data):
    stream = stream_of((1.0, data), (2.0, content("a")), (3.0, data), (4.0, event({}, "stop")), (4.0, DONE))
    assert (stream.chunks, stream.first_token_at_s, stream.flaw) == (1, 2.0, None)


@pytest.mark.parametrize(
    ("chunks", "sent_at_s", "first_at_s", "buffered"),
    [
        (11, 9.0, 9.996, True),
        (11, 9.0, 9.99, False),
        (10, 9.0, 9.996, False),
        (0, 9.0, None, False),
        (11, 9.97, 9.996, True),
        (11, 9.985, 9.996, False),
    ],
)
def test_many_events_at_the_very_end_were_held_back_unless_all_of_it_took_no_time(
    chunks, sent_at_s, first_at_s, buffered
):
    stream = TokenStream(Endpoint.CHAT, bucket)
    for _ in range(chunks):
        stream.feed(content("a"), first_at_s)
    assert stream.buffered(sent_at_s, 10.0) is buffered


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


def raw(text: bytes) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text


@pytest.mark.parametrize(
    ("pieces", "text", "replaced"),
    [
        ((b"x", rb"\ud83d", rb"\ude00", b"y"), "x\U0001f600y", 0),
        ((rb"\ud83d", rb"\udc80"), "\U0001f480", 0),  # its second half looks like an escaped byte
        ((rb"a\ud83d", rb"\ude00\ud83d", rb"\ude01b"), "a\U0001f600\U0001f601b", 0),
        ((b"a\xf0\x9f", b"\x98\x80b"), "a\U0001f600b", 0),
        ((b"\xf0", b"\x9f", b"\x98", b"\x80"), "\U0001f600", 0),
        ((b"\xc3", b"\xbc\xe2\x82", b"\xac"), "\u00fc\u20ac", 0),
        (("\u00fc".encode(), b"\xc3", b"\xbc"), "\u00fc\u00fc", 0),
        ((rb"\ud83d", b"", rb"\ude00"), "\U0001f600", 0),
        ((rb"\ud83d", b"b", b"c", b"d"), "\ufffdbcd", 1),
        ((b"a", b"b", b"c", b"d\xff", b"e"), "abcd\ufffde", 1),
        ((rb"\ude00", rb"a\ud83d"), "\ufffda\ufffd", 2),
        ((b"\xf0\x9f", b"a"), "\ufffda", 1),
    ],
)
def test_characters_that_are_cut_between_events_are_whole_again(pieces, text, replaced):
    told: list[str] = []
    stream = TokenStream(Endpoint.CHAT, bucket, on_text=told.append)
    for at_s, piece in enumerate(map(raw, pieces)):
        stream.feed(piece, float(at_s))
    stream.end(9.0)
    assert (stream.text, stream.replaced, stream.malformed) == (text, replaced, False)
    assert "".join(told) == text
    assert stream.chunks == len([piece for piece in pieces if piece])
    unkept = stream_of(*enumerate(map(raw, pieces)), keep_text=False)
    assert (unkept.text, unkept.replaced, unkept.chunks) == ("", replaced, stream.chunks)


def test_half_a_thought_is_replaced_and_counted():
    stream = stream_of((1.0, b'data: {"choices":[{"delta":{"reasoning":"a\\ud83d"}}]}\n\n'), (2.0, content("b")))
    assert (stream.text, stream.replaced) == ("b", 1)


@given(st.text(max_size=12))
def test_text_is_whole_when_every_unit_comes_alone(text):
    units = text.encode("utf-16-be")
    escapes = [b"\\u" + units[at : at + 2].hex().encode() for at in range(0, len(units), 2)]
    assert stream_of((0.0, content("")), *((1.0, raw(unit)) for unit in escapes)).text == text


@given(st.text(st.characters(exclude_characters='"\\', min_codepoint=32, codec="utf-8"), max_size=12))
def test_text_is_whole_when_every_byte_comes_alone(text):
    pieces = [raw(bytes([byte])) for byte in text.encode()]
    stream = stream_of((0.0, content("")), *((1.0, piece) for piece in pieces))
    assert (stream.text, stream.replaced) == (text, 0)


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


@pytest.mark.parametrize("end", [b"data:   [DONE]\n\n", b"data:\t[DONE]  \n\n"])
def test_blanks_before_the_end_are_passed_over(end):
    stream = stream_of((1.0, content("a")), (2.0, event({}, "stop")), (3.0, end))
    assert (stream.flaw, stream.done_at_s) == (None, 3.0)


def test_what_is_kept_of_a_stream_is_counted_until_it_is_given_up():
    stream = TokenStream(Endpoint.CHAT, bucket=lambda gap_s: 0, keep_text=True)
    said = {"id": "i" * 299 + "é", "choices": [{"index": 0, "delta": {"content": "né"}, "finish_reason": "f" * 50}]}
    stream.feed(b"data: " + json.dumps(said).encode() + b"\n\n", 1.0)
    assert stream.held_bytes == 4 * 300 + 50 + len("né".encode())
    stream.drop()
    assert (stream.held_bytes, stream.text, stream.answer_id, stream.finish_reason) == (0, "", None, None)


@pytest.mark.parametrize(
    ("keep_text", "data", "more"),
    [
        (False, content("b"), False),
        (False, content('a "quote"'), False),
        (False, event({"content": "b"}, "stop"), True),
        (False, event({"content": "b"}, id="c1"), True),
        (False, content("b")[:-1], True),
        (False, event({"content": "\ud83d"}), True),
        (True, content("b"), True),
        (True, content('a "quote"'), True),
    ],
)
def test_what_may_be_held_is_told_where_it_changes(keep_text, data, more):
    stream = TokenStream(Endpoint.CHAT, bucket, keep_text=keep_text)
    for _ in range(3):
        stream.feed(content("a"), 1.0)
    held_bytes = stream.held_bytes
    assert stream.feed(data, 2.0) is more
    assert more or stream.held_bytes == held_bytes


def test_the_rest_of_an_event_changes_what_is_held():
    stream = TokenStream(Endpoint.CHAT, bucket)
    stream.feed(content("a") + content("b")[:-1], 1.0)
    held_bytes = stream.held_bytes
    assert stream.feed(content("b")[-1:], 2.0)
    assert held_bytes > stream.held_bytes == 0


def test_text_that_is_kept_is_as_long_as_a_body_at_most():
    token = b'data: {"choices":[{"delta":{"content":"abcd"}}]}\n\n'
    stream = TokenStream(Endpoint.CHAT, bucket=lambda gap_s: 0, keep_text=True, limits=ResponseLimits(body_bytes=12))
    for _ in range(3):
        stream.feed(token, 1.0)
    with pytest.raises(TooLarge):
        stream.feed(token, 1.0)


def test_of_endless_names_no_more_is_kept_than_is_searched_for_secrets():
    stream = stream_of((1.0, event({"content": "a"}, "r" * 1_000_000, id="\U0001f600" + "i" * 1_000_000)), (2.0, DONE))
    assert (len(stream.answer_id or ""), len(stream.finish_reason or "")) == (65_536, 65_536)


def dated(*reads: tuple[float, float, bool, bytes]) -> TokenStream:
    """A stream of reads: their instant, the earliest one, whether it is exact for the last byte, and the bytes."""
    stream = TokenStream(Endpoint.CHAT, bucket)
    for at_s, earliest_s, exact, data in reads:
        stream.feed(data, at_s)
        if stream.undated:
            stream.date(earliest_s, exact=exact)
    return stream


A, THOUGHT, STOP, COMMENT = content("a"), event({"reasoning": "hm"}), event({}, "stop"), b": still here\n\n"


@pytest.mark.parametrize(
    ("exact", "data", "error_s"),
    [
        (True, A, 0.0),
        (True, event({"role": "assistant"}) + A, 0.0),
        (True, COMMENT + A, 0.0),
        (False, A, 0.5),
        (True, A + A, 0.5),
        (True, A + STOP, 0.5),
        (True, A + DONE, 0.5),
        (True, A + COMMENT, 0.5),
        (True, A + b"data: {", 0.5),
        (True, A + b"\n", 0.5),
    ],
)
def test_a_token_is_exact_if_the_read_ended_with_it(exact, data, error_s):
    stream = dated((2.0, 1.5, exact, data))
    assert (stream.first_token_error_s, stream.first_visible_error_s) == (error_s, error_s)


@pytest.mark.parametrize(
    ("at", "line_end"),
    [(10, b"\n"), (-10, b"\n"), (-2, b"\n"), (-1, b"\n"), (10, b"\r\n"), (-10, b"\r\n"), (-2, b"\r\n")],
)
def test_a_token_is_exact_if_its_end_came_alone(at, line_end):
    data = A.replace(b"\n", line_end)
    stream = dated((1.0, 0.5, True, data[:at]), (2.0, 1.5, True, data[at:]))
    assert (stream.first_token_at_s or 0.0) >= 1.0
    assert stream.first_token_error_s == 0.0


def test_pieces_of_one_read_count_as_one():
    stream = TokenStream(Endpoint.CHAT, bucket)
    for piece in (A, A, COMMENT):
        stream.feed(piece, 2.0)
    stream.date(1.5, exact=True)
    assert (stream.first_token_error_s, stream.last_token_error_s) == (0.5, 0.5)
    assert stream.gap_errors == (0.5, 1, 0)


def test_errors_that_are_negligible_are_none():
    stream = dated((2.0, 2.0 - 4e-5, True, A + A))
    assert (stream.first_token_error_s, stream.gap_errors) == (0.0, None)


def test_the_first_visible_token_has_an_error_of_its_own():
    stream = dated((2.0, 1.5, True, THOUGHT), (3.0, 2.75, True, A + A))
    assert (stream.first_token_error_s, stream.first_visible_error_s) == (0.0, 0.25)


def test_reads_with_several_tokens_make_gaps_uncertain():
    stream = dated(
        (1.0, 0.5, True, A),
        (2.0, 1.75, True, A + A + A),
        (3.0, 2.0, True, A),
        (4.0, 3.5, True, A + STOP),
        (5.0, 4.0, True, A),
        (6.0, 5.9, True, A + STOP + DONE),
    )
    assert stream.gap_errors == (0.5, 3, 1)  # behind the last of them there is no gap
    assert (stream.first_token_error_s, round(stream.last_token_error_s, 6)) == (0.0, 0.1)
    assert sum(stream.gap_counts.values()) == 7


def test_two_reads_with_one_stamp_are_one():
    stream = dated((1.0, 0.5, True, A), (2.0, 1.5, False, A), (2.0, 1.5, True, A), (3.0, 2.0, True, A))
    assert stream.gap_errors == (0.5, 1, 0)


def test_a_last_token_that_a_read_ended_with_is_exact_though_others_shared_it():
    assert dated((1.0, 0.5, True, A), (2.0, 1.5, True, A + A)).last_token_error_s == 0.0
