from typing import Any

import pytest

from relayload.core.capacity.frontier import FrontierPoint, frontier, limit_checks, limit_objectives
from relayload.core.capacity.littles_law import in_flight
from relayload.core.capacity.measures import LimitCheck, Measures
from relayload.core.capacity.trial import Decision, Purpose, Trial
from relayload.core.metrics.saturation import Saturation
from relayload.core.model.verdict import Status
from relayload.core.objectives.evaluate import judge_objective

PASS, FAIL, OPEN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
GREW = in_flight([([number / 10 for number in range(600)], [0.5 + number / 20 for number in range(600)])], 10.0, 60.0)


def trial(number: int, rate_per_s: float, verdict: Status, *, confirm: bool = False, **changes) -> Trial:
    proven, refuted = changes.pop("proven", False), changes.pop("refuted", False)
    check = LimitCheck(metric="ttft", limit_s=0.5, verdict=verdict, proven=proven, refuted=refuted)
    plain: dict[str, Any] = {"decision": Decision.PASS, "load_s": 40.0}
    return Trial(
        number=number,
        purpose=Purpose.CONFIRM if confirm else Purpose.SEARCH,
        rate_per_s=rate_per_s,
        warmup_s=10.0,
        measured_s=30.0,
        measures=Measures(limits=(check,), in_flight=changes.pop("in_flight", None)),
        **(plain | changes),
    )


def point(*trials: Trial) -> FrontierPoint:
    (found,) = frontier(trials)
    return found


@pytest.mark.parametrize(
    ("streaming", "scenarios", "metrics"),
    [
        (["chat"], ["chat"], {"ttft"}),
        ([], ["embed"], {"latency"}),
        (["chat"], ["chat", "embed"], {"ttft", "latency{scenario!=chat}"}),
    ],
)
def test_streams_are_limited_by_their_first_token_and_others_by_their_latency(streaming, scenarios, metrics):
    objectives = limit_objectives(streaming, scenarios)
    tagged = {each.metric + "".join(f"{{{tag}}}" for tag in each.tags) for each in objectives}
    assert tagged == metrics
    assert sorted({each.limit for each in objectives}) == [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
    assert {each.aggregate for each in objectives} == {"p99"}


def test_the_gate_says_which_limits_a_trial_holds(indicators, make_run, request_line):
    run = make_run(streaming=("simple",))
    objectives = limit_objectives(run.streaming, ["simple"])
    lines = [
        request_line(index, intended_at_s=index / 10, ttft_s=1.5 if index % 5 == 0 else 0.15, service_s=2.0)
        for index in range(1000)
    ]
    found = indicators(objectives, lines, run)
    results = [judge_objective(objective, found) for objective in objectives]
    checks = limit_checks(objectives, results, None)
    assert [check.verdict for check in checks] == [FAIL] * 5 + [PASS] * 2
    assert [check.refuted for check in checks] == [True] * 5 + [False] * 2
    assert [check.proven for check in checks] == [False] * 5 + [True] * 2
    growing = Saturation(in_flight_per_s=1.0, low=0.5, high=1.5)
    assert {check.verdict for check in limit_checks(objectives, results, growing)} == {FAIL}


def test_the_frontier_lies_between_the_highest_that_holds_and_the_lowest_that_fails():
    trials = [trial(1, 10.0, PASS, proven=True), trial(2, 20.0, FAIL, refuted=True), trial(3, 15.0, PASS)]
    assert point(*trials) == FrontierPoint(metric="ttft", limit_s=0.5, holds_at=15.0, fails_at=20.0, refuted=True)


def test_what_passes_above_a_rate_that_fails_does_not_count():
    found = point(trial(1, 10.0, PASS), trial(2, 20.0, PASS), trial(3, 15.0, FAIL))
    assert (found.holds_at, found.fails_at, found.refuted) == (10.0, 15.0, False)


def test_a_confirmation_has_the_last_word_at_its_rate_if_it_is_decided():
    short = trial(2, 20.0, PASS)
    assert point(short, trial(3, 20.0, FAIL, confirm=True)).fails_at == 20.0
    assert point(trial(3, 20.0, FAIL, confirm=True), short).fails_at == 20.0
    assert point(short, trial(3, 20.0, OPEN, confirm=True)).holds_at == 20.0


@pytest.mark.parametrize(
    "changes",
    [
        {"load_s": 20.0},
        {"in_flight": GREW},
        {"decision": Decision.VOID},
        {"decision": Decision.STOPPED},
    ],
)
def test_a_trial_that_ended_early_or_was_not_steady_passes_no_limit(changes):
    found = frontier([trial(1, 10.0, PASS), trial(2, 20.0, PASS, **changes)])
    assert [each.holds_at for each in found] == [10.0]


def test_a_trial_that_ended_early_still_fails_a_limit():
    assert point(trial(1, 20.0, FAIL, load_s=20.0)).fails_at == 20.0


def test_only_the_last_of_a_pool_counts():
    found = point(trial(1, 20.0, FAIL), trial(2, 20.0, PASS, pooled_with=(1,)))
    assert (found.holds_at, found.fails_at) == (20.0, None)
