import json

import pytest

from relayload.fakerelay.content import Content, Segment, content_of
from relayload.fakerelay.shapes.sample import OpenString
from relayload.fakerelay.wishes import CallWish, JsonWish, Wish


def text_of(content: Content) -> str:
    return "".join(content.tokens)


def test_a_wish_for_logprobs_alone_leaves_the_words_as_they_are():
    content = content_of(Wish(top_logprobs=2), 0, 3, "length", exact=False)
    assert content == Content((Segment((" {word}", " for", " at")),), "length", 2)


@pytest.mark.parametrize(
    ("stop", "tokens", "finish_reason"),
    [
        ((" at",), (" {word}", " for"), "stop"),
        (("t w", "zz"), (" {word}", " for", " a"), "stop"),
        (("word}", " for"), (" {",), "stop"),
        ((" ",), ("",), "stop"),
        (("zz",), (" {word}", " for", " at", " was"), "length"),
    ],
)
def test_a_stop_sequence_is_found_across_tokens_and_cut_off(stop, tokens, finish_reason):
    content = content_of(Wish(stop=stop), 0, 4, "length", exact=False)
    assert (tuple(content.tokens), content.finish_reason) == (tokens, finish_reason)


def test_json_is_cut_at_a_stop_sequence_too():
    wish = Wish(json=JsonWish({"a": 1, "b": 2}), stop=(',"b"',))
    assert text_of(content_of(wish, 0, 9, "stop", exact=False)) == '{"a":1'


def test_calls_share_the_tokens_and_have_a_place_each():
    wish = Wish(calls=(CallWish("f", {"x": OpenString(1)}), CallWish("g", {})))
    content = content_of(wish, 0, 21, "stop", exact=False)
    assert [segment.function for segment in content.segments] == ["f", "g"]
    assert [len(segment.tokens) for segment in content.segments] == [10, 1]
    assert [(position.segment, position.is_first) for position in content.positions] == [
        (0, True),
        *[(0, False)] * 9,
        (1, True),
    ]
    assert [json.loads(arguments) for _, _, arguments in content.spread(content.tokens)][1] == {}


@pytest.mark.parametrize(
    "calls", [(CallWish("f", {"x": 1}),), (CallWish("f", {}), CallWish("g", {"x": OpenString(1)}))]
)
def test_an_exact_length_is_kept_with_spaces(calls):
    content = content_of(Wish(calls=calls), 0, 30, "stop", exact=True)
    assert len(content.tokens) == 30
    for _, _, arguments in content.spread(content.tokens):
        assert isinstance(json.loads(arguments), dict)


@pytest.mark.parametrize(
    ("limit", "lengths", "finish_reason"),
    [
        (5, [2, 3], "tool_calls"),
        (9, [2, 3], "tool_calls"),
        (4, [2, 2], "length"),
        (2, [2], "length"),
        (1, [1], "length"),
    ],
)
def test_what_is_above_the_limit_is_left_out(limit, lengths, finish_reason):
    content = Content((Segment(("a", "b"), "f"), Segment(("c", "d", "e"), "g")), "tool_calls")
    kept = content.within(limit)
    assert ([len(segment.tokens) for segment in kept.segments], kept.finish_reason) == (lengths, finish_reason)
