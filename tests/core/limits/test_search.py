"""Searches against limiters in simulated time: those of the fake relay, of every kind, size, length and phase."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from limits_simulation import limits_of

from relayload.core.limits.findings import Counts, Kind, Limits, Per
from relayload.core.limits.observation import Verdict

WINDOWS = ("sliding", "fixed", "bucket")


def found(limits: Limits) -> list[tuple[str, int | None, str | None, float | None]]:
    return [
        (each.counts.value, each.amount, each.kind and each.kind.value, each.window_s and round(each.window_s, 2))
        for each in limits.limits
    ]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    ("requests", "amount", "window_s"), [("10/s", 10, 1.0), ("3/s", 3, 1.0), ("60/min", 60, 60.0), ("5/2s", 5, 2.0)]
)
def test_each_kind_of_window_is_found_with_its_size_and_length(window, requests, amount, window_s):
    limits = limits_of({"requests": requests, "window": window})
    assert found(limits) == [("requests", amount, window, window_s)]
    (limit,) = limits.limits
    assert limit.refill_per_s == (pytest.approx(amount / window_s) if window == "bucket" else None)
    assert (limit.refused_count, limit.unexplained) == (None if window == "bucket" else False, 0)
    at_refill = {"10/s": "10/s", "3/s": "3/s", "60/min": "1/s", "5/2s": "150/min"}
    rates = (
        at_refill if window == "bucket" else {"10/s": "9/s", "3/s": "163/min", "60/min": "59/min", "5/2s": "142/min"}
    )
    assert limits.client == {"requests": [rates[requests]]}
    assert limits.ended_by == ""


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("tokens", "amount", "window_s"), [("20000/min", 20_000, 60.0), ("2000/s", 2000, 1.0)])
def test_limits_of_tokens_are_told_from_those_of_requests(window, tokens, amount, window_s):
    (limit,) = limits_of({"tokens": tokens, "window": window}).limits
    assert (limit.counts, limit.kind, limit.window_s) == (Counts.TOKENS, Kind(window), window_s)
    assert limit.amount == pytest.approx(amount, rel=0.05 if window == "bucket" else 0.01)


@pytest.mark.parametrize("window", WINDOWS)
def test_two_limits_of_requests_are_both_found(window):
    limits = limits_of({"requests": "10/s"}, {"requests": "300/min", "window": window})
    assert found(limits) == [("requests", 10, "sliding", 1.0), ("requests", 300, window, 60.0)]


@pytest.mark.parametrize("window", WINDOWS)
def test_a_limit_of_tokens_is_found_behind_one_of_requests(window):
    requests, tokens = limits_of({"requests": "20/s"}, {"tokens": "100000/min", "window": window}).limits
    assert (requests.amount, requests.kind, requests.window_s) == (20, Kind.SLIDING, 1.0)
    assert (tokens.counts, tokens.kind, tokens.window_s) == (Counts.TOKENS, Kind(window), 60.0)
    assert tokens.amount == pytest.approx(100_000, rel=0.001)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a failure takes too long to be shrunk
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    amount=st.integers(2, 120),
    window_s=st.sampled_from([1, 2, 5, 10, 30, 60]),
    window=st.sampled_from(WINDOWS),
    phase_s=st.floats(0.0, 60.0),
    latency_s=st.sampled_from([0.02, 0.05, 0.2]),
    jitter_s=st.sampled_from([0.0, 0.002, 0.01]),
)
def test_windows_of_any_size_length_and_phase_are_never_told_wrong(
    amount, window_s, window, phase_s, latency_s, jitter_s
):
    limits = limits_of(
        {"requests": f"{amount}/{window_s}s", "window": window},
        latency_s=latency_s,
        jitter_s=jitter_s,
        phase_s=phase_s,
        terms={"long_input_tokens": ()},
    )
    for limit in limits.limits:
        assert limit.counts in (Counts.REQUESTS, Counts.UNKNOWN)
        assert limit.kind in (Kind(window), None)
        if limit.window_s is not None:
            assert limit.window_s == pytest.approx(window_s, rel=0.1)
            assert 0.95 * limit.amount - 1 <= amount <= 1.05 * (limit.amount_at_most or limit.amount) + 1


def test_what_is_in_flight_is_no_window():
    limits = limits_of({"concurrent": 5})
    assert [(each.counts, each.amount) for each in limits.limits] == [(Counts.CONCURRENT, 5)]
    assert limits.max_in_flight == 5


@pytest.mark.parametrize(("keys", "models"), [(2, 2), (1, 2), (2, 1), (1, 1)])
@pytest.mark.parametrize("per", ["key", "model"])
def test_what_is_in_flight_is_told_per_key_or_model(per, keys, models):
    terms = {"keys": keys, "models": models, "long_input_tokens": ()}
    limits = limits_of({"concurrent": 5, "per": per}, terms=terms)
    (limit,) = limits.limits
    assert (limit.counts, limit.amount) == (Counts.CONCURRENT, 5)
    assert limit.per is (Per(per) if keys == models == 2 else None)
    assert any("per key or model" in each for each in limit.not_told) == (limit.per is None)
    assert Counts.CONCURRENT not in {each.counts for each in limits.no_limit_up_to}


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_failures_by_chance_neither_end_the_search_nor_hide_a_limit(share: float):
    def at_random(rng: Random) -> Verdict:
        return Verdict.OVERLOADED if rng.random() < share else Verdict.ADMITTED

    limits = limits_of(verdict=at_random, terms={"long_input_tokens": ()})
    assert not any("at once" in note for note in limits.notes)
    limits = limits_of({"requests": "10/s"}, verdict=at_random, terms={"long_input_tokens": ()})
    assert found(limits) == [("requests", 10, "sliding", 1.0)]


@pytest.mark.parametrize("window", WINDOWS)
def test_refusals_by_chance_do_not_hide_a_limit(window):
    def at_random(rng: Random) -> Verdict:
        return Verdict.REFUSED if rng.random() < 0.02 else Verdict.ADMITTED

    for seed in range(3):
        limits = limits_of(
            {"requests": "10/s", "window": window}, verdict=at_random, seed=seed, terms={"long_input_tokens": ()}
        )
        for each in limits.limits:
            assert each.amount <= 10 <= (each.amount_at_most or each.amount)
            assert each.kind in (Kind(window), None)


def test_a_slow_relay_has_windows_and_not_a_limit_of_what_is_in_flight():
    (limit,) = limits_of({"requests": "10/s"}, latency_s=1.5).limits
    assert (limit.counts, limit.amount, limit.window_s) == (Counts.REQUESTS, 10, 1.0)
    (limit,) = limits_of({"concurrent": 5}, latency_s=1.5).limits
    assert (limit.counts, limit.amount) == (Counts.CONCURRENT, 5)


def test_all_three_kinds_of_limits_are_found_beside_each_other():
    limits = limits_of({"concurrent": 5}, {"requests": "10/s"}, {"tokens": "50000/min", "window": "fixed"})
    assert {each.counts for each in limits.limits} == {Counts.CONCURRENT, Counts.REQUESTS, Counts.TOKENS}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    ("per", "keys", "models", "told"),
    [
        ("key", 2, 2, Per.KEY),
        ("model", 2, 2, Per.MODEL),
        ("key", 1, 2, None),
        ("model", 2, 1, None),
    ],
)
def test_a_second_key_and_a_second_model_tell_what_has_a_counter_of_its_own(window, per, keys, models, told):
    terms = {"keys": keys, "models": models, "long_input_tokens": ()}
    (limit,) = limits_of({"requests": "10/s", "window": window, "per": per}, terms=terms).limits
    assert limit.per is told
    assert any("per key or model" in each for each in limit.not_told) == (told is None)


@pytest.mark.parametrize(("requests", "latency_s"), [("100/s", 0.02), ("50/s", 0.06)])
def test_buckets_refilled_too_fast_to_ask_for_others_are_found(requests, latency_s):
    terms = {"keys": 2, "models": 2, "long_input_tokens": ()}
    (limit,) = limits_of({"requests": requests, "window": "bucket"}, latency_s=latency_s, terms=terms).limits
    assert limit.kind in (Kind.BUCKET, None)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("per", ["key", "model"])
def test_a_limit_of_one_request_is_told_per_key_or_model(per, window):
    terms = {"keys": 2, "models": 2, "long_input_tokens": ()}
    for seed in (1, 2, 3):
        limits = limits_of(
            {"requests": "1/s", "window": window, "per": per}, seed=seed, phase_s=seed / 3, jitter_s=0.005, terms=terms
        )
        assert [(each.counts, each.amount, each.window_s) for each in limits.limits] == [(Counts.REQUESTS, 1, 1.0)]
        assert limits.limits[0].per is Per(per)


@pytest.mark.parametrize("counts", [False, True])
def test_whether_failed_requests_count_is_told(counts):
    terms = {"long_input_tokens": ()}
    (limit,) = limits_of({"requests": "10/s"}, failed_count=counts, terms=terms).limits
    assert limit.failed_count is counts


@pytest.mark.parametrize("requests", ["10/s", "60/min"])
def test_refused_requests_that_count_are_told(requests):
    (limit,) = limits_of({"requests": requests}, refused_count=True, terms={"long_input_tokens": ()}).limits
    assert limit.refused_count is True
    assert limit.window_s == {"10/s": 1.0, "60/min": 60.0}[requests]


@pytest.mark.parametrize(
    ("asks", "too_long", "too_short"),
    [
        (lambda wait_s: wait_s, False, False),
        (lambda wait_s: 60.0, True, False),
        (lambda wait_s: 0.1, False, True),
    ],
)
def test_retry_after_is_held_against_when_the_next_request_passed(asks, too_long, too_short):
    (limit,) = limits_of({"requests": "10/5s"}, asks=asks, terms={"long_input_tokens": ()}).limits
    assert limit.retry_after is not None
    assert (limit.retry_after.too_long_s > 1, limit.retry_after.too_short_s > 0.15) == (too_long, too_short)
    assert limit.retry_after.honest == (not too_long and not too_short)


def test_a_window_of_an_hour_is_longer_than_could_be_afforded():
    limits = limits_of({"requests": "60/h"}, max_time_s=300.0)
    (limit,) = limits.limits
    assert (limit.amount, limit.kind, limit.window_s) == (60, None, None)
    assert limit.longer_than_s == pytest.approx(290, abs=15)
    assert limits.ended_by == "--max-time was reached"
    assert limits.client == {}


def test_a_relay_without_limits_has_none_up_to_what_was_sent():
    limits = limits_of()
    assert (limits.limits, limits.ended_by, limits.client) == ((), "", {})
    assert {each.counts: each.amount for each in limits.no_limit_up_to} == {
        Counts.CONCURRENT: 64,
        Counts.REQUESTS: 900,
        Counts.TOKENS: pytest.approx(400_000, rel=0.01),
    }


def test_caps_end_a_search_with_what_was_found():
    limits = limits_of({"requests": "10/s"}, {"requests": "300/min"}, max_requests=250)
    assert found(limits) == [("requests", 10, "sliding", 1.0)]
    assert limits.ended_by == "--max-requests was reached"


@pytest.mark.parametrize(
    ("verdict", "share"), [(Verdict.REFUSED, 0.1), (Verdict.OVERLOADED, 0.1), (Verdict.FAILED, 0.1)]
)
def test_answers_without_a_pattern_are_no_quota(verdict: Verdict, share: float):
    def at_random(rng: Random) -> Verdict:
        return verdict if rng.random() < share else Verdict.ADMITTED

    limits = limits_of(verdict=at_random, terms={"long_input_tokens": ()})
    assert limits.limits == ()
    if verdict is not Verdict.FAILED:
        words = {Verdict.REFUSED: "without a pattern", Verdict.OVERLOADED: "which is no quota"}[verdict]
        assert any(words in note for note in limits.notes)


def test_a_relay_that_fails_ends_the_search():
    limits = limits_of(verdict=lambda rng: Verdict.FAILED)
    assert limits.limits == ()
    assert "in a row failed" in limits.ended_by
