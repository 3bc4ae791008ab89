from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.fakerelay.limits import Limit, Limiter, Metric

# Arrivals on a grid of 1/64 s, which floats and fractions hold exactly, with their tokens.
ARRIVALS = st.lists(st.tuples(st.integers(0, 64 * 10), st.integers(1, 12)), max_size=60).map(sorted)


def admitted(limits: list[Limit], arrivals: list[tuple[int, int]]) -> list[bool]:
    limiter = Limiter(limits)
    return [limiter.admit("k", "m", tokens, at / 64).refused_by is None for at, tokens in arrivals]


def counted(window: str, count: int, window_s: int, arrivals: list[tuple[int, int]], weights: list[int]):
    """What each kind of window lets in, by exact arithmetic over all that it has let in before."""
    let_in: list[tuple[Fraction, int]] = []
    level, filled_at_s = Fraction(count), Fraction(0)
    answers = []
    for (at, _), weight in zip(arrivals, weights, strict=True):
        now_s = Fraction(at, 64)
        if window == "bucket":
            level = min(Fraction(count), level + (now_s - filled_at_s) * count / window_s)
            filled_at_s = now_s
            ok = level >= weight
            level -= weight if ok else 0
        elif window == "fixed":
            ok = sum(w for t, w in let_in if t // window_s == now_s // window_s) + weight <= count
        else:
            ok = sum(w for t, w in let_in if t > now_s - window_s) + weight <= count
        answers.append(ok)
        if ok:
            let_in.append((now_s, weight))
    return answers


@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
@given(count=st.integers(1, 12), arrivals=ARRIVALS)
def test_requests_per_second_are_let_in_as_exact_arithmetic_says(window, count, arrivals):
    limit = Limit(requests=f"{count}/s", window=window)
    assert admitted([limit], arrivals) == counted(window, count, 1, arrivals, [1] * len(arrivals))


@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
@given(count=st.integers(1, 30), arrivals=ARRIVALS)
def test_tokens_per_minute_are_let_in_as_exact_arithmetic_says(window, count, arrivals):
    limit = Limit(tokens=f"{count}/min", window=window)
    assert admitted([limit], arrivals) == counted(window, count, 60, arrivals, [tokens for _, tokens in arrivals])


@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
@given(count=st.integers(1, 5), arrivals=ARRIVALS)
def test_who_waits_as_long_as_told_is_let_in_and_not_much_earlier(window, count, arrivals):
    limiter = Limiter([Limit(requests=f"{count}/s", window=window)])
    now_s = 0.0
    for at, _ in arrivals:
        now_s = max(now_s, at / 64)
        refused_by = limiter.admit("k", "m", 1, now_s).refused_by
        if refused_by is not None:
            assert refused_by.wait_s is not None
            assert limiter.admit("k", "m", 1, now_s + refused_by.wait_s - 1e-6).refused_by is not None
            now_s += refused_by.wait_s
            assert limiter.admit("k", "m", 1, now_s).refused_by is None


def test_a_sliding_window_is_open_at_its_beginning():
    arrivals = [(0, 1), (1, 1), (63, 1), (64, 1), (64, 1), (65, 1)]
    assert admitted([Limit(requests="2/s")], arrivals) == [True, True, False, True, False, True]


def test_more_tokens_than_the_limit_are_never_let_in_and_no_wait_is_told():
    for window in ("fixed", "sliding", "bucket"):
        refused_by = Limiter([Limit(tokens="10/min", window=window)]).admit("k", "m", 11, 0.0).refused_by
        assert refused_by is not None
        assert refused_by.wait_s is None


def test_a_request_that_came_in_earlier_does_not_begin_a_fixed_window_anew():
    limiter = Limiter([Limit(requests="1/s", window="fixed")])
    told = [limiter.admit("k", "m", 1, now_s).refused_by for now_s in (1.2, 0.1, 1.6)]
    assert [refused is None for refused in told] == [True, False, False]


def test_a_request_is_counted_by_every_limit_or_by_none():
    limiter = Limiter([Limit(requests="1/s"), Limit(requests="1/min", per="model")])
    assert limiter.admit("k", "a", 1, 0.0).refused_by is None
    refused = limiter.admit("k", "a", 1, 30.0)
    assert refused.refused_by is not None
    assert (refused.refused_by.per, refused.refused_by.limit) == ("model", 1)
    # The first limit did not count the refused one, so another model passes it at once.
    assert limiter.admit("k", "b", 1, 30.0).refused_by is None


def test_keys_and_models_are_counted_apart():
    limiter = Limiter([Limit(requests="1/min", per="key")])
    assert limiter.admit("k1", "m", 1, 0.0).refused_by is None
    assert limiter.admit("k2", "m", 1, 0.0).refused_by is None
    assert limiter.admit("k1", "other", 1, 0.0).refused_by is not None


def test_a_limit_for_some_models_leaves_the_others_alone():
    limiter = Limiter([Limit(requests="1/min", models=("a",))])
    assert [limiter.admit("k", model, 1, 0.0).refused_by is None for model in "aabb"] == [True, False, True, True]


def test_concurrent_requests_are_let_in_again_when_others_end():
    limiter = Limiter([Limit(concurrent=2)])
    first, second, third = (limiter.admit("k", "m", 1, 0.0) for _ in range(3))
    assert first.refused_by is None
    assert second.refused_by is None
    assert third.refused_by is not None
    assert (third.refused_by.metric, third.refused_by.wait_s) == (Metric.CONCURRENT, None)
    third.end()
    assert limiter.admit("k", "m", 1, 0.0).refused_by is not None
    first.end()
    assert limiter.admit("k", "m", 1, 0.0).refused_by is None


def test_standings_tell_what_is_left_and_when_all_is_back():
    limiter = Limiter([Limit(requests="10/min", window="sliding"), Limit(tokens="100/s", window="fixed")])
    limiter.admit("k", "m", 30, 0.25)
    requests, tokens = limiter.admit("k", "m", 30, 0.5).standings
    assert (requests.metric, requests.limit, requests.remaining, requests.reset_s) == (Metric.REQUESTS, 10, 8, 60.0)
    assert (tokens.metric, tokens.limit, tokens.remaining, tokens.reset_s) == (Metric.TOKENS, 100, 40, 0.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one of"),
        ({"requests": "1/s", "tokens": "1/s"}, "exactly one of"),
        ({"requests": "1.5/s"}, "a whole number per time"),
        ({"requests": "0/s"}, "a whole number per time"),
        ({"requests": "5"}, "expected a whole number per time such as"),
    ],
)
def test_a_limit_that_makes_no_sense_is_a_fault(fields, message):
    with pytest.raises(ValueError, match=message):
        Limit(**fields)
