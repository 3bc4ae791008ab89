"""How much of the confidence each look at a run that goes on may spend."""

import pytest
from live import LiveRun

from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Attempt, Outcome
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.objective import Objective
from relayload.core.stats.binomial import share_bounds


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
            live.add(
                request_line(number, intended_at_s=from_s + number, outcome=one) for number, one in enumerate(outcomes)
            )
            found.append(live.breach(now_s) is not None)
        return found

    return look


@pytest.mark.parametrize(("look", "before"), [(1, ()), (2, (25,)), (3, (25, 5))])
def test_each_look_spends_less_of_the_confidence(look: int, before: tuple[int, ...], looked_at):
    """The j-th has 1 / j(j + 1) of what is left of it; those before find nothing, as nothing had failed."""
    low = share_bounds(10, 100 + sum(before), 1 - 0.05 / (look * (look + 1)))[0]
    steps = [*((0, n, 100.0 * number) for number, n in enumerate(before)), (10, 100, 1000.0)]
    for limit, found in ((low * 0.999, True), (low * 1.001, False)):
        assert looked_at(_objective(limit), *steps) == [*(False for _ in before), found]


def test_a_sample_is_looked_at_again_once_it_has_grown_by_a_twentieth(looked_at):
    steps = [(0, 100, 0.0), *((1, 1, 200.0 + number) for number in range(4)), (100, 100, 300.0)]
    assert looked_at(_objective(0.01), *steps) == [False, False, False, False, False, True]


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
    for limit, reason in (("90%", "retries.rate < 90%: 40 of 20, 90% may"), ("150%", "None")):
        live = LiveRun([with_options(parse(f"retries.rate < {limit}"), ObjectiveOptions(abort=True))], make_run())
        live.add(request_line(number, retried=(limited, limited)) for number in range(20))
        assert str(live.breach(100.0)) == reason
