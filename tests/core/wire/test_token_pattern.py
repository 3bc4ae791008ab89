import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import present

from relayload.core.wire.chat import Delta, read_chunk
from relayload.core.wire.token_pattern import pattern_of


def event(delta, **fields):
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} | fields.pop("choice", {})
    return b"data: " + json.dumps({"id": "c1", "choices": [choice]} | fields).encode() + b"\n\n"


@pytest.mark.parametrize(
    ("delta", "visible"),
    [
        ({"content": "a"}, True),
        ({"role": "assistant", "content": "a"}, True),
        ({"content": None, "reasoning_content": "a"}, False),
        ({"content": None, "reasoning_text": "a"}, False),
        ({"reasoning": "a", "content": ""}, None),
    ],
)
def test_events_that_differ_in_their_text_alone_have_a_pattern(delta, visible):
    pattern = pattern_of(event(delta))
    if visible is None:
        assert pattern is None
    else:
        assert pattern is not None
        other = event(delta | {name: "b c" for name, text in delta.items() if text == "a"})
        assert pattern.visible is visible
        assert pattern.matches(other)
        assert pattern.text(other) == b"b c"


@pytest.mark.parametrize(
    "piece",
    [
        event({"content": ""}),
        event({"content": 'a"b'}),
        event({"role": "assistant"}),
        event({"content": "a"}, usage={"prompt_tokens": 1}),
        event({"content": "a"}, error="x"),
        event({"content": "a"}, x_groq={"usage": {}}),
        event({"content": "a"}, choice={"usage": {"prompt_tokens": 1}}),
        event({"content": "a"}, choice={"error": "x"}),
        event({"content": "a"}, choice={"delta": {"content": "a", "reasoning_details": [{"text": "b"}]}}),
        event({"content": "a"}, choice={"finish_reason": "stop"}),
        event({"content": "a", "tool_calls": [{}]}),
        event({"content": "a"})[:-1],
        b"id: 1\n" + event({"content": "a"}),
        event({"content": "a"}) + event({"content": "b"}),
        b'data: {"choices":[],"content":"a"}\n\n',
        b'data: {"choices":[{"delta":{}},{"delta":{"content":"a"}}]}\n\n',
        b'data: {"content":"a"\n\n',
    ],
)
def test_what_says_more_or_less_than_a_text_has_none(piece):
    assert pattern_of(piece) is None


@pytest.mark.parametrize("text", ["a", "\u00fc", "\u4f60\u597d", "\U0001f600", "a\u20acb\x7f", "\uffff", "\ud7ff"])
def test_whole_characters_of_any_length_match(text):
    pattern = present(pattern_of(event({"content": "a"})))
    before, _, after = event({"content": "a"}).partition(b'"a"')
    assert pattern.matches(b'%b"%b"%b' % (before, text.encode(), after))
    assert pattern.text(b'%b"%b"%b' % (before, text.encode(), after)) == text.encode()


@pytest.mark.parametrize(
    "cut",
    [
        b"\xc3",
        b"\xbc",
        b"\xe4\xbd",
        b"\xf0\x9f\x98",
        b"a\x98\x80",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
    ],
)
def test_cut_characters_do_not_match(cut):
    before, _, after = event({"content": "a"}).partition(b'"a"')
    assert not present(pattern_of(event({"content": "a"}))).matches(b'%b"%b"%b' % (before, cut, after))


@pytest.mark.parametrize("text", ["", 'a"b', "a\\b", "a\nb", "a\rb", 'b"}},{"delta":{"content":"c'])
def test_a_text_that_is_not_plain_does_not_match(text):
    before, after = b'data: {"choices":[{"delta":{"content":"', b'"}}]}\n\n'
    pattern = present(pattern_of(before + b"a" + after))
    assert not pattern.matches(before + text.encode() + after)


def test_another_event_does_not_match():
    pattern = present(pattern_of(event({"content": "a"})))
    assert not pattern.matches(event({"content": "a"}, id="c2"))
    assert not pattern.matches(event({"content": "b"}, choice={"finish_reason": "stop"}))
    assert not pattern.matches(b"data: [DONE]\n\n")


@given(st.text(max_size=10), st.binary(max_size=10))
def test_whatever_matches_would_have_been_parsed_alike(text, raw):
    pattern = present(pattern_of(event({"content": "a"})))
    before, _, after = event({"content": "\u2020"}).partition(b"\\u2020")
    for piece in (
        event({"content": text}),
        before + text.encode("utf-8", "surrogatepass") + after,
        before + raw + after,
    ):
        if pattern.matches(piece):
            (choice,) = present(read_chunk(piece[6:-2]).choices)
            assert choice.delta == Delta(content=pattern.text(piece).decode())
