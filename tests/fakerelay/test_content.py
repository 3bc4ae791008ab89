import json
from functools import partial

import pytest

from relayload.fakerelay.content import Content, Segment, content_of
from relayload.fakerelay.counting import text_tokens
from relayload.fakerelay.shapes.sample import OpenString
from relayload.fakerelay.tokens import made_up
from relayload.fakerelay.wishes import CallWish, JsonWish, Wish

WORDS = partial(made_up, 0)


def text_of(content: Content) -> str:
    return "".join(content.tokens)


def test_a_wish_for_logprobs_alone_leaves_the_words_as_they_are():
    content = content_of(Wish(top_logprobs=2), WORDS, 3, "length")
    assert content == Content((Segment((" {", " for", " at")),), "length", 2)


@pytest.mark.parametrize(
    ("stop", "tokens", "finish_reason"),
    [
        ((" at",), (" {", " for"), "stop"),
        (("t w", "zz"), (" {", " for", " a"), "stop"),
        (("or", " at"), (" {", " f"), "stop"),
        ((" ",), ("",), "stop"),
        (("zz",), (" {", " for", " at", " was"), "length"),
    ],
)
def test_a_stop_sequence_is_found_across_tokens_and_cut_off(stop, tokens, finish_reason):
    content = content_of(Wish(stop=stop), WORDS, 4, "length")
    assert (tuple(content.tokens), content.finish_reason) == (tokens, finish_reason)


def test_json_is_cut_at_a_stop_sequence_too():
    wish = Wish(json=JsonWish({"a": 1, "b": 2}), stop=(',"b"',))
    assert text_of(content_of(wish, WORDS, 9, "stop")) == '{"a":1'


@pytest.mark.parametrize(
    ("value", "count", "tokens"),
    [
        ({"x": OpenString(1)}, 30, 30),
        ({"x": OpenString(1), "y": [OpenString(40), 12.5], "z": {"a": None}}, 60, 60),
        ({"x": OpenString(1)}, 2, 5),  # no shorter one exists
        ({"date": "2024-01-01", "n": 12345}, 30, 15),
    ],
)
def test_json_has_the_tokens_that_are_counted(value, count, tokens):
    content = content_of(Wish(json=JsonWish(value)), WORDS, count, "stop")
    assert len(content.tokens) == text_tokens(text_of(content)) == tokens


def test_an_answer_of_its_own_takes_the_place_of_the_words():
    content = content_of(Wish(stop=(" 4",)), WORDS, 2, "length", answer="1 2 3 4 5")
    assert (text_of(content), content.finish_reason) == ("1 2 3", "stop")


def test_calls_share_the_tokens_and_have_a_place_each():
    wish = Wish(calls=(CallWish("f", {"x": OpenString(1)}), CallWish("g", {})))
    content = content_of(wish, WORDS, 21, "stop")
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
def test_an_exact_length_is_kept_with_white_space(calls):
    content = content_of(Wish(calls=calls), WORDS, 30, "stop", exact=True)
    assert len(content.tokens) == sum(text_tokens(text) for _, _, text in content.spread(content.tokens)) == 30
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
