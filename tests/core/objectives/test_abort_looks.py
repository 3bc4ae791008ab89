"""How much of the confidence each look at a run that goes on may spend."""

from itertools import islice, takewhile

import pytest
from known_series import BY_NAME, bad_latencies, bad_requests, by_second, stopped
from live import LiveRun

from relayload.core.model.objective_options import ObjectiveOptions, TooFew
from relayload.core.model.record import Attempt, Outcome
from relayload.core.objectives.abort import _schedule
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.statistics import BadEvents, beyond
from relayload.core.stats.binomial import share_bounds

_CORRELATED = BY_NAME["AR(1) 0.9"]


def _objective(limit: float, **options) -> Objective:
    return with_options(parse(f"errors.rate < {limit * 100:.6f}%"), ObjectiveOptions(abort=True, **options))


@pytest.fixture
def looked_at(make_run, request_line):
    """A run that requests are added to, one due a second so that each is worth one, and looked at after each step."""

    def look(objective: Objective, *steps: tuple[int, int, float], now_s: float = 10_000.0) -> list[bool]:
        live, found = LiveRun([objective], make_run()), []
        for k, n, from_s in steps:
            bad = {number * n // k for number in range(k)}
            outcomes = [Outcome.REJECTED if number in bad else Outcome.OK for number in range(n)]
            lines = [
                request_line(number, intended_at_s=from_s + number, outcome=one) for number, one in enumerate(outcomes)
            ]
            for first in range(0, n, 250):
                live.add(lines[first : first + 250])
            found.append(live.breach(now_s) is not None)
        return found

    return look


@pytest.mark.parametrize(
    ("text", "early"),
    [
        ("errors.rate < 1%", [94, 188, 375]),
        ("retries.rate < 1%", [94, 188, 375]),
        ("latency.p99 < 1s", [375]),
        ("goodput{ttft<1s}.rate > 99%", [375]),
        ("latency.avg < 1s", [375]),
    ],
)
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_all_looks_together_have_the_error_probability_of_the_verdict(text: str, early: list[int], confidence: float):
    looks = list(islice(_schedule(with_options(parse(text), ObjectiveOptions(confidence=confidence))), 60))
    assert [look.n for look in takewhile(lambda look: look.early, looks)] == early
    regular = looks[len(early) :]
    assert [look.n for look in regular[:5]] == [750, 1500, 3000, 6000, 12_000]
    assert not any(look.early for look in regular)
    spent = 1 - confidence
    assert sum(look.error for look in regular) == pytest.approx(0.9 * spent)
    assert sum(look.error for look in looks) == pytest.approx((0.9 + 0.1 * len(early) / 3) * spent)
    assert [look.error / spent for look in regular[:4]] == pytest.approx([0.225, 0.225, 0.16875, 0.1125])


@pytest.mark.parametrize(("k", "n", "part"), [(75, 750, 0.225), (150, 1500, 0.225), (300, 3000, 0.16875)])
def test_each_look_spends_its_part_of_the_confidence(k: int, n: int, part: float, looked_at):
    low = share_bounds(k, n, 1 - 0.05 * part)[0]
    for limit, found in ((low * 0.999, True), (low * 1.001, False)):
        assert looked_at(_objective(limit), (k, n, 0.0)) == [found]


@pytest.mark.parametrize(("k", "n"), [(47, 94), (94, 188), (187, 375)])
def test_early_looks_share_a_tenth_of_the_confidence(k: int, n: int, looked_at):
    low = share_bounds(k, n, 1 - 0.05 * 0.1 / 3)[0]
    for limit, found in ((low * 0.999, True), (low * 1.001, False)):
        assert looked_at(_objective(limit), (k, n, 0.0)) == [found]


def test_a_sample_is_looked_at_again_once_it_has_doubled(looked_at):
    """What was spent on a look without a failure is gone; the next one waits for 1,500 requests."""
    steps = [(0, 750, 0.0), (70, 700, 0.0), (0, 49, 700.0), (1, 1, 749.0)]
    assert looked_at(_objective(0.01), *steps) == [False, False, False, True]


@pytest.mark.parametrize(
    ("expr", "draw"),
    [
        ("latency.p90 < 1s", lambda: bad_latencies(_CORRELATED, _CORRELATED.quantile(0.87), 40, 6000, 3)),
        ("errors.rate < 50%", lambda: bad_requests(0.65, 30, 40, 6000)),
    ],
    ids=["p90", "errors"],
)
def test_what_ends_a_run_of_long_clusters_is_a_fail_of_its_verdict(expr: str, draw):
    """A look does not allow for every correlation that the verdict finds in the same requests."""
    bad = list(draw())
    ends = stopped(expr, iter(bad))
    assert sum(map(bool, ends)) > 10
    for requests, end in zip(bad, ends, strict=True):
        seen = BadEvents(by_second(requests[:end]))
        assert not end or beyond(seen, parse(expr).budget, 0.95)


@pytest.mark.parametrize("on_too_few", TooFew)
def test_a_window_with_few_requests_yet_is_not_broken(on_too_few: TooFew, make_run, request_line):
    """Fifty of its requests have ended, and others are in flight; p99 takes a hundred."""
    objective = with_options(
        parse("latency.p99 < 1s"), ObjectiveOptions(abort=True, over_s=50.0, on_too_few=on_too_few)
    )
    live = LiveRun([objective], make_run())
    live.add(request_line(number, intended_at_s=float(number)) for number in range(50))
    assert live.breach(60.0, in_flight=100) is None


def test_a_window_that_was_broken_is_held_to_what_came_in_since(make_run, request_line):
    live = LiveRun([_objective(0.05, over_s=50.0, for_windows=2)], make_run())

    def add(n: int, bad: int, from_s: float) -> None:
        outcomes = [Outcome.REJECTED if number < bad else Outcome.OK for number in range(n)]
        live.add(
            request_line(number, intended_at_s=from_s + 49.0 * number / n, outcome=one)
            for number, one in enumerate(sorted(outcomes, key=lambda one: hash(one.value) % 7))
        )

    add(40, 20, 0.0)
    assert live.breach(50.0) is None
    add(900, 0, 0.0)
    add(40, 20, 50.0)
    assert live.breach(100.0) is None


def test_a_window_that_is_not_over_costs_no_look(make_run, request_line):
    low = share_bounds(10, 130, 1 - 0.05 / 2)[0]
    live = LiveRun([_objective(low * 0.999, over_s=90.0)], make_run())
    live.add(request_line(number, intended_at_s=0.1 * number) for number in range(30))
    assert live.breach(80.0) is None
    bad = range(0, 100, 10)
    live.add(
        request_line(
            number, intended_at_s=4.0 + number * 0.85, outcome=Outcome.REJECTED if number in bad else Outcome.OK
        )
        for number in range(100)
    )
    assert live.breach(89.0) is None
    assert live.breach(90.0) is not None


def test_more_retries_than_requests_prove_nothing_where_so_many_may_be(make_run, request_line):
    limited = Attempt(outcome=Outcome.RATE_LIMITED, status=429)
    for limit, reason in (("90%", "retries.rate < 90%: 188 of 94, 90% may"), ("150%", "None")):
        live = LiveRun([with_options(parse(f"retries.rate < {limit}"), ObjectiveOptions(abort=True))], make_run())
        live.add(request_line(number, retried=(limited, limited)) for number in range(94))
        assert str(live.breach(100.0)) == reason
