import math

import pytest

from relayload.core.wire.tpot import streamed_tokens, tpot_s


@pytest.mark.parametrize(
    ("output", "reasoning", "thought_bytes", "streamed"),
    [
        (10, None, 0, 10),
        (10, 0, 0, 10),
        (1010, 1000, 0, 10),
        (1000, 1000, 0, 0),
        (1010, 1000, 4000, 1010),
        (1010, 1000, 1000, 1010),
        (1010, 1000, 999, None),
        (1010, 1000, 1, None),
        (40, None, 500, 40),
        (10, 1000, 0, 10),
        (10, 1000, 4000, 1010),
        (10, 1000, 999, None),
    ],
    ids=[
        "no reasoning told",
        "none done",
        "silent",
        "nothing but silence",
        "streamed whole",
        "a byte a token",
        "a byte too few",
        "a hint of it",
        "streamed and not told",
        "silent, counted beside the output",
        "streamed, counted beside the output",
        "streamed in part, counted beside the output",
    ],
)
def test_reasoning_counts_as_streamed_as_far_as_it_came(output, reasoning, thought_bytes, streamed):
    assert streamed_tokens(output, reasoning, thought_bytes=thought_bytes, summarised=False) == streamed


@pytest.mark.parametrize("reasoning", [None, 0, 20, 1000])
def test_nobody_can_tell_how_many_tokens_a_summary_stands_for(reasoning):
    assert streamed_tokens(1010, reasoning, thought_bytes=300, summarised=True) is None


@pytest.mark.parametrize(
    ("first_s", "last_s", "streamed", "expected"),
    [
        (1.0, 1.27, 10, pytest.approx(0.03)),
        (0.05, 0.09, 3, pytest.approx(0.02)),
        (1.0, 2.0, 2, 1.0),
        (1.0, 2.0, 1, None),
        (1.0, 2.0, 0, None),
        (1.0, 1.0, 10, None),
        (2.0, 1.0, 10, None),
        (math.nan, 1.0, 10, None),
        (1.0, math.nan, 10, None),
    ],
)
def test_the_time_per_token_is_that_between_the_first_and_the_last_one(first_s, last_s, streamed, expected):
    assert tpot_s(first_s, last_s, streamed) == expected
