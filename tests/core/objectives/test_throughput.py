"""Rates per second count what ended, live and after the run, in one process and in several, exact and condensed."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from live import LiveRun
from msgspec import structs

from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summarize import summarize
from relayload.core.model.objective_options import DEFAULTS, ObjectiveOptions
from relayload.core.model.record import Line, Outcome
from relayload.core.model.run import RunInfo, StageInfo
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.recorded_run import RecordedRun

WARM = StageInfo(name="warm", for_s=4.0, warmup=True)
FIRST, SECOND = StageInfo(name="first", for_s=4.0), StageInfo(name="second", for_s=4.0)
PAUSE = StageInfo(name="rest", for_s=2.0, pause=True)
COOL = StageInfo(name="cool", for_s=2.0, warmup=True)
STAGES = (WARM, FIRST, PAUSE, SECOND, COOL)
"""Measured from 4 s to 14 s."""

Source = Callable[[Sequence[Objective], Sequence[Line], RunInfo], Indicators]


def recorded(
    objectives: Sequence[Objective], lines: Sequence[Line], run: RunInfo, parts: int = 1, most_exact: int = 1000
) -> Indicators:
    def empty() -> Fold:
        return Fold(0.0, ObjectiveCounts(objectives, run), most_exact, Cells.of(run))

    whole = empty()
    for first in range(parts):
        part = empty()
        part.extend(lines[first::parts])
        whole.merge(part)
    return Indicators(RecordedRun(whole, run), run)


def live(objectives: Sequence[Objective], lines: Sequence[Line], run: RunInfo) -> Indicators:
    going_on = LiveRun(objectives, structs.replace(run, ended_at_s=None))
    for line in lines:
        going_on.add([line])
    return Indicators(going_on.so_far, run)


@pytest.fixture(
    params=[
        recorded,
        partial(recorded, parts=3),
        partial(recorded, parts=2, most_exact=1),
        live,
    ],
    ids=["recorded", "merged", "condensed", "live"],
)
def judged(request, make_run):
    def judge(text: str, lines: Sequence[Line], options: ObjectiveOptions = DEFAULTS, **run) -> ObjectiveResult:
        objective = with_options(parse(text), options)
        info = make_run(**({"stages": STAGES, "ended_at_s": 16.0} | run))
        return judge_objective(objective, request.param([objective], lines, info))

    return judge


@pytest.fixture
def ended(request_line):
    """Makes requests by when they ended, each a second after it was due, in the stage then."""

    def make(*ends_s: float, **changes) -> list[Line]:
        return [_at(request_line, index, end_s - 1.0, **changes) for index, end_s in enumerate(ends_s)]

    return make


def _at(request_line, index: int, due_at_s: float, **changes) -> Line:
    begins_at_s = 0.0
    for stage in STAGES:
        begins_at_s += stage.for_s or 0.0
        if due_at_s < begins_at_s:
            break
    place = {"stage": stage.name, "measured": not stage.warmup, "intended_at_s": due_at_s, "late_s": 0.0}
    return request_line(index, **{"latency_s": 1.0, **place, **changes})


def test_a_saturated_run_has_the_throughput_of_its_relay(judged, request_line):
    lines = [
        request_line(index, intended_at_s=index / 5, late_s=0.0, latency_s=index + 1 - index / 5) for index in range(25)
    ]
    run = {"stages": (StageInfo(name="steady", for_s=5.0),), "ended_at_s": 5.0}
    result = judged("throughput.per_second >= 4.5", lines, **run)
    assert (result.verdict, result.observed, result.n) == (Status.FAIL, 1.0, 5)
    assert judged("output_tokens.per_second < 11", lines, **run).observed == 10.0
    assert judged("goodput{latency<3s}.per_second > 0", lines, **run).observed == 3 / 5
    assert judged("goodput{latency<3s}.rate > 0%", lines, **run).observed == 3 / 25


def test_what_was_sent_in_the_warm_up_counts_where_it_ended(judged, ended):
    lines = ended(4.0, 4.5, 5.0, 14.0, 14.5)
    assert judged("throughput.per_second > 0", lines).observed == 3 / 10
    assert judged("output_tokens.per_second > 0", lines).observed == 30 / 10
    assert judged("goodput.per_second > 0", lines).observed == 3 / 10


@pytest.mark.parametrize(
    ("tag", "per_s"),
    [("stage=first", 2 / 4), ("stage!=first", 2 / 6), ("stage=rest", 1 / 2), ("stage=second", 1 / 4)],
)
def test_a_stage_has_what_ended_in_it(tag: str, per_s: float, judged, ended):
    lines = ended(4.0, 4.1, 8.0, 8.5, 14.0, 15.0)
    for metric in ("throughput", "goodput"):
        assert judged(f"{metric}{{{tag}}}.per_second > 0", lines).observed == per_s


def test_other_tags_choose_requests(judged, ended):
    lines = [*ended(5.0, 6.0, scenario="proof", model="o4"), *ended(4.5, 7.0, 9.0)]
    assert judged("throughput{scenario=proof}.per_second > 0", lines).observed == 2 / 10
    assert judged("goodput{model!=o4}.per_second > 0", lines).observed == 3 / 10
    late = ended(14.5, scenario="proof")
    assert judged("throughput{scenario=proof, stage=second}.per_second > 0", [*lines, *late]).observed == 0.0


def test_failures_are_no_throughput(judged, ended):
    lines = [*ended(5.0, 6.0, outcome=Outcome.TIMED_OUT), *ended(7.0)]
    assert judged("throughput.per_second > 0", lines).observed == 1 / 10
    assert judged("goodput.per_second > 0", lines).observed == 1 / 10


def test_nothing_that_ended_in_time_is_a_throughput_of_zero(judged, ended):
    result = judged("throughput.per_second >= 1", ended(14.5, 15.0))
    assert (result.verdict, result.observed) == (Status.FAIL, 0.0)
    assert judged("throughput.per_second >= 1", []).observed is None


def test_windows_have_what_ended_in_them(judged, ended, request_line):
    late = [request_line(100 + at, intended_at_s=4.5 + 2 * at, latency_s=20.0) for at in range(5)]
    lines = [*ended(4.0, 5.0, 6.0, 6.5, 7.0, 8.0, 10.0), *late]
    result = judged("throughput.per_second >= 0.5", lines, ObjectiveOptions(over_s=2.0))
    assert (result.windows.count, result.windows.broken, result.windows.worst_at_s) == (5, 2, 10.0)
    assert result.observed == 0.0


def test_a_batch_is_judged_by_its_makespan(judged, request_line):
    lines = [request_line(index, intended_at_s=0.5, late_s=0.0, latency_s=index + 1.25) for index in range(4)]
    run = {"load_kind": "batch", "stages": (StageInfo(name="batch", for_s=None),), "ended_at_s": 5.0}
    assert judged("throughput.per_second > 0", lines, **run).observed == 4 / 4.25


def test_a_closed_load_counts_alike(judged, ended):
    assert judged("throughput.per_second > 0", ended(4.0, 4.5, 14.0, 15.0), load_kind="closed").observed == 2 / 10


def test_a_replay_lasts_until_the_end_of_its_last_second(judged, request_line):
    trace = {"stages": (StageInfo(name="trace", for_s=None),), "ended_at_s": 9.0}
    lines = [request_line(index, intended_at_s=0.6 * index, latency_s=1.0) for index in range(8)]
    assert judged("throughput.per_second > 0", lines, **trace).observed == 7 / 5


def test_a_run_that_ended_early_is_cut_there(make_run, ended):
    objective = parse("throughput.per_second > 0")
    run = make_run(stages=STAGES, ended_at_s=6.25, ended_by="sigint")
    lines = ended(4.0, 5.0, 6.0, 6.25, 6.3, 6.9)
    assert judge_objective(objective, recorded([objective], lines, run)).observed == 3 / 2.25
    to_the_second = judge_objective(objective, live([objective], lines, run)).observed
    assert to_the_second == 5 / 2.25


def test_the_summary_says_the_same(make_run, ended, folded):
    lines = [*ended(4.0, 4.5, 5.0, 8.5, 14.0, 14.5), *ended(6.0, 7.0, scenario="proof")]
    run = make_run(stages=STAGES, ended_at_s=16.0)
    summary = summarize(folded(lines), run)

    def observed(text: str) -> float | None:
        objective = parse(f"{text}.per_second > 0")
        return judge_objective(objective, recorded([objective], lines, run)).observed

    assert observed("throughput") == summary.rates.ok_per_s == 6 / 10
    assert observed("output_tokens") == summary.rates.output_tokens_per_s
    for name in ("simple", "proof"):
        assert observed(f"throughput{{scenario={name}}}") == summary.by_scenario[name].ok_per_s
    for name in ("first", "second"):
        assert observed(f"throughput{{stage={name}}}") == summary.by_stage[name].ok_per_s
