"""Once the last record is merged, a run so far says what its reports say: on random runs."""

import math
from random import Random
from typing import Any

import pytest
from live import LiveRun, sent
from msgspec import structs
from random_runs import RandomRun, random_run

from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import Group, Metrics, Summary
from relayload.core.model.objective_options import NoData, TooFew
from relayload.core.model.progress import Progress
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.charts import Charts, charts_of
from relayload.core.objectives.details_so_far import would_be_invalid
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.objective_series import ObjectiveSeries
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker
from relayload.core.objectives.so_far import judge_so_far
from relayload.core.stats.sample import Distribution

_BUCKET = 1 / 128
_GROUPS = ("by_scenario", "by_model", "by_stage", "by_target", "by_key")
_EXACT = ("errors", "tokens", "cost", "breaker", "workers", "duration_s", "saturation", "warnings")


def _objectives(run: RandomRun) -> list[Objective]:
    """Without data, a run so far is undecided, whatever an objective asks for."""
    undecided: dict[str, Any] = {"on_no_data": NoData.INCONCLUSIVE, "on_too_few": TooFew.INCONCLUSIVE}
    return [replace_options(objective, **undecided) for objective in (*run.objectives, *run.others)]


def _merged(run: RandomRun, objectives: list[Objective]) -> MergedSnapshot:
    """What a master knows once every worker has told everything, now and then."""
    merged, rng = MergedSnapshot(objectives, run.info), Random(len(run.lines))
    for worker in range(run.info.workers):
        maker, lines = (
            SnapshotMaker(worker, objectives, run.info),
            [line for _, line in run.lines if line.worker == worker],
        )
        while lines:
            count = rng.randint(1, 200)
            maker.add(lines[:count])
            del lines[:count]
            assert merged.replace(sent(maker.snapshot(run.ended_at_s)))
    return merged


def _recorded(run: RandomRun, info: RunInfo, objectives: list[Objective]) -> tuple[Summary, Charts, Indicators]:
    fold = Fold(info.ended_at_s or 0.0, ObjectiveCounts(objectives, info), cells=Cells.of(info))
    fold.extend(line for _, line in run.lines)
    fold.settle()
    summary = summarize(fold, info)
    return summary, charts_of(objectives, fold, info, summary), Indicators(RecordedRun(fold, info), info)


def _so_far(merged: MergedSnapshot, now_s: float) -> RunSoFar:
    progress = Progress(
        stage="steady",
        elapsed_s=now_s,
        total_s=None,
        offered=0,
        started=0,
        dropped=0,
        in_flight=0,
        ok=0,
        failed=0,
        workers=1,
    )
    return RunSoFar(merged=merged, progress=progress, objectives=())


@pytest.mark.parametrize(
    "seed", [seed if seed < 12 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(60)]
)
def test_a_run_so_far_agrees_with_its_records_once_all_is_told(seed: int):
    run = random_run(seed)
    objectives = _objectives(run)
    info = structs.replace(run.info, ended_at_s=run.ended_at_s, ended_by="schedule")
    wanted, charts, indicators = _recorded(run, info, objectives)
    merged = _merged(run, objectives)
    so_far = _so_far(merged, run.ended_at_s)
    _agree(so_far.summary_so_far, wanted)
    assert would_be_invalid(merged) == wanted.generator.reasons
    _agree_in_charts(so_far.charts_so_far(objectives), charts)
    for objective in objectives:
        judged = judge_so_far(objective, merged, run.ended_at_s)
        assert _said(judged) == _said(judge_objective(objective.while_it_grows, indicators)), objective


def _said(result: ObjectiveResult) -> tuple[object, ...]:
    """Where windows are alike, either may take another one for the worst."""
    if result.windows is not None:
        return result.verdict, result.windows.count, result.windows.broken, result.windows.most_in_a_row
    return result.verdict, result.k, result.n, result.budget


def _agree(found: Summary, wanted: Summary) -> None:
    unknown = {"lost": 0, "offered": wanted.counts.started + wanted.counts.dropped}
    assert found.counts == structs.replace(wanted.counts, **unknown)
    for name in _EXACT:
        assert getattr(found, name) == getattr(wanted, name), name
    for name in ("measured_s", "started_per_s", "ok_per_s", "output_tokens_per_s", "ended_later", "ended_later_s"):
        assert getattr(found.rates, name) == getattr(wanted.rates, name), name
    assert found.retries == structs.replace(wanted.retries, backoff_s=pytest.approx(wanted.retries.backoff_s))
    assert found.quota.throttled == wanted.quota.throttled
    assert found.quota.throttled_s == pytest.approx(wanted.quota.throttled_s)
    assert found.generator.reasons == wanted.generator.reasons
    assert found.rates.max_in_1s is found.generator.late_p99_s is found.batch is None
    _agree_in_metrics(found.metrics, wanted.metrics)
    for groups in _GROUPS:
        assert getattr(found, groups).keys() == getattr(wanted, groups).keys()
        for name, group in getattr(found, groups).items():
            _agree_in_group(group, getattr(wanted, groups)[name])


def _agree_in_group(found: Group, wanted: Group) -> None:
    _agree_in_metrics(found.metrics, wanted.metrics)
    assert structs.replace(found, metrics=wanted.metrics) == wanted


def _agree_in_metrics(found: Metrics, wanted: Metrics) -> None:
    for name in ("latency", "ttft", "tpot", "throttled"):
        _agree_in_values(found[name], wanted[name])


def _agree_in_values(found: Distribution | None, wanted: Distribution | None) -> None:
    assert (found is None) is (wanted is None)
    if found is not None and wanted is not None:
        assert found.count == wanted.count
        assert found.max == pytest.approx(wanted.max, rel=_BUCKET, abs=1e-6)
        for ours, theirs in zip(found.percentiles, wanted.percentiles, strict=True):
            assert ours.value == pytest.approx(theirs.value, rel=_BUCKET, abs=1e-6), (ours, theirs)


def _agree_in_charts(found: Charts, wanted: Charts) -> None:
    assert found.data.bins == wanted.data.bins
    for name in ("ended", "in_flight", "retries"):
        assert getattr(found.data, name) == getattr(wanted.data, name), name
    assert found.data.errors == wanted.data.errors
    assert found.data.bands.keys() == wanted.data.bands.keys()
    assert found.data.usd == (None if wanted.data.usd is None else pytest.approx(wanted.data.usd))
    assert found.objectives.keys() == wanted.objectives.keys()
    for ident, series in found.objectives.items():
        _agree_in_series(series, wanted.objectives[ident])
    assert found.data.slowest is None


def _agree_in_series(found: ObjectiveSeries, wanted: ObjectiveSeries) -> None:
    """Records file the tokens of many requests at once, where no stage ends in between."""
    assert (found.what, found.limit, found.requests) == (wanted.what, wanted.limit, wanted.requests)
    if found.what == "output_tokens":
        assert math.fsum(filter(None, found.values)) == pytest.approx(math.fsum(filter(None, wanted.values)))
    else:
        assert found.values == tuple(value if value is None else pytest.approx(value) for value in wanted.values)


def test_what_only_the_end_tells_is_not_there(make_run, request_line):
    live = LiveRun([], make_run(ended_at_s=None, ended_by=None))
    live.add(request_line(i) for i in range(100))
    summary = _so_far(live.so_far, 99.0).summary_so_far
    rates, health = summary.rates, summary.generator
    assert rates.max_in_1s is rates.max_in_60s is rates.max_attempts_in_1s is rates.max_attempts_in_60s is None
    assert health.late_p99_s is health.cpu_share is health.ttft_error_p99_s is None
    assert summary.batch is summary.comparison is summary.metrics.service is None


def test_requests_in_flight_are_in_the_load_over_time_and_in_no_count(make_run, request_line):
    maker, merged = SnapshotMaker(0, [], make_run()), MergedSnapshot([], make_run())
    for second in range(10):
        maker.begin(float(second))
    maker.begin(9.5)
    maker.begin(9.5, -1)
    maker.add(request_line(i, intended_at_s=float(i), service_s=0.5) for i in range(8))
    merged.replace(sent(maker.snapshot(10.0)))
    so_far = _so_far(merged, 10.0)
    assert so_far.summary_so_far.counts.started == 8
    assert so_far.charts_so_far(()).data.in_flight == (0,) * 8 + (1, 2)


def test_a_long_run_has_slots_as_wide_as_the_widest_that_was_told(make_run, request_line):
    run = make_run(ended_at_s=None, ended_by=None)
    maker, merged = SnapshotMaker(0, [], run), MergedSnapshot([], run)
    for second in range(0, 5000, 5):
        maker.add([request_line(0, intended_at_s=float(second))])
        merged.replace(sent(maker.snapshot(second + 1.0)))
    so_far = _so_far(merged, 5000.0)
    assert so_far.fold.slot_s == 60
    assert so_far.charts_so_far(()).data.bins.step_s == 60
    assert sum(so_far.charts_so_far(()).data.ended) == so_far.summary_so_far.counts.ok == 1000
