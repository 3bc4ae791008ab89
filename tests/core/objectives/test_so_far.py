"""A run that goes on is judged as the gate would judge what has ended, with percentiles to within a bucket."""

import pytest
from live import LiveRun
from support import present

from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Outcome
from relayload.core.model.verdict import Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.so_far import judge_so_far

_TEXTS = [
    "latency.p50 < 1s",
    "latency.p99 < 1s",
    "ttft.p99 < 50ms",
    "latency.avg < 1s",
    "latency.max < 2s",
    "errors.rate < 0.1%",
    "errors.count < 3",
    "requests.count >= 100",
    "throughput.per_second > 0.5/s",
    "output_rate.p5 > 1/s",
    "goodput{ttft < 1s}.rate > 50%",
    "breaker.trips == 0",
]


@pytest.fixture
def lines(request_line, drop_line):
    timed_out = {"outcome": Outcome.TIMED_OUT, "error": "total_timeout"}
    requests = [
        request_line(
            i, service_s=0.1 + 0.002 * (i * 37 % 300), intended_at_s=i / 6, **(timed_out if i % 60 == 7 else {})
        )
        for i in range(600)
    ]
    return [*requests, drop_line(600, intended_at_s=99.0)]


@pytest.mark.parametrize("text", _TEXTS)
def test_the_result_is_that_of_the_gate(indicators, make_run, lines, text):
    objective, run = parse(text), make_run()
    live = LiveRun([objective], make_run(ended_at_s=None, ended_by=None))
    live.add(lines)
    so_far = judge_so_far(objective, live.so_far, 100.0)
    gate = judge_objective(objective, indicators([objective], lines, run))
    assert so_far.verdict is gate.verdict
    assert (so_far.n, so_far.k, so_far.limit, so_far.unit) == (gate.n, gate.k, gate.limit, gate.unit)
    assert so_far.observed == (None if gate.observed is None else pytest.approx(gate.observed, rel=0.004))
    if objective.quantile is None:
        assert (so_far.low, so_far.high) == (gate.low, gate.high)


def test_the_interval_of_a_percentile_contains_it(make_run, lines):
    objective = parse("latency.p90 < 1s")
    live = LiveRun([objective], make_run(ended_at_s=None, ended_by=None))
    live.add(lines)
    judged = judge_so_far(objective, live.so_far, 100.0)
    assert present(judged.low) < present(judged.observed) < present(judged.high) < 1.0


def test_without_data_nothing_is_known(make_run):
    for text in _TEXTS[:2]:
        objective = parse(text)
        live = LiveRun([objective], make_run(ended_at_s=None, ended_by=None))
        judged = judge_so_far(objective, live.so_far, 3.0)
        assert (judged.verdict, judged.observed) == (Status.INCONCLUSIVE, None)


def test_windows_are_judged_without_a_percentile_of_their_own(make_run, lines):
    objective = with_options(parse("latency.p50 < 200ms"), ObjectiveOptions(over_s=20.0))
    live = LiveRun([objective], make_run(ended_at_s=None, ended_by=None))
    live.add(lines)
    judged = judge_so_far(objective, live.so_far, 100.0)
    assert (judged.verdict, judged.observed) == (Status.FAIL, None)
    assert judged.windows is not None
    assert judged.windows.count == 5
