"""From a fold and objectives to the verdict of a run. Fails closed: no data is never a pass.

The checks in order: whether the generator can be trusted, whether a guardrail stopped the run, and then each objective
on its own; those of severity `warn` are only reported. A run without objectives was a measurement and is NOT JUDGED:
its exit code is 0, while a gate without objectives exits with 4. A run whose load was changed by hand is not the one
that was planned, so it is INCONCLUSIVE at best.

In an objective, a percentile counts requests that failed, were dropped or were lost as infinitely slow (as 0, where
more is better), since their callers never got an answer. An `outcome=` tag selects only those requests, with their own
values. Objectives cover the measured stages.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import cast

from msgspec.structs import replace

from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.exit_codes import ExitCode
from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summarize import SummaryInTheMaking
from relayload.core.metrics.summary import Summary
from relayload.core.metrics.tasks import RunAll, Task, one_by_one
from relayload.core.model.health import STARVED
from relayload.core.model.objective_options import NoData
from relayload.core.model.run import LAUNCHER, RunInfo
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, Op, replace_options
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.units import format_duration

NO_OBJECTIVES = "the profile has no objectives"
_NOTHING_TO_HOLD = (
    "there are no objectives to judge by: write some in the profile, such as errors.rate < 1%, and run it again"
)
_EXIT_CODES = {
    Status.PASS: ExitCode.PASS,
    Status.NOT_JUDGED: ExitCode.PASS,
    Status.FAIL: ExitCode.FAIL,
    Status.INCONCLUSIVE: ExitCode.UNPROVEN,
    Status.INVALID: ExitCode.UNPROVEN,
    Status.STOPPED: ExitCode.GUARDRAIL,
}
_KILLED = "the run was killed, or could not record its end"


def assess(
    objectives: Sequence[Objective],
    fold: Fold,
    run: RunInfo,
    faults: Iterable[str] = (),
    warnings: Iterable[str] = (),
    run_all: RunAll = one_by_one,
    *,
    tables: bool = True,
    rejudge: bool = False,
    recorded: ReferenceAnswers | None = None,
) -> tuple[Summary, Verdict]:
    """Summarize a run, as `summarize` does, and judge it at once, since both sort the same columns.

    Without `tables` the summary is an outline, for callers that only need the verdict. A run that an objective ended
    early fails, unless `rejudge` asks to go by its records alone.
    """
    making = SummaryInTheMaking(fold, run, faults, warnings, recorded=recorded)
    work = making.tasks() if tables else []
    audited = tables or any(METRICS[objective.metric].of_audit for objective in objectives)
    audit = making.audit if audited else None
    indicators = Indicators(RecordedRun(fold, run, audit), run, making.accounted.lost)
    done = run_all([*work, *_tasks(objectives, indicators, rejudge)])
    summary = making.made_of(done[: len(work)], audit) if tables else making.outline()
    results = cast(list[ObjectiveResult], done[len(work) :])
    verdict = _verdict(results, run, summary, rejudge)
    if verdict.verdict is Status.INVALID and not making.accounted.twice and run.ended_by != LAUNCHER:
        judged = zip(objectives, results, strict=True)
        verdict = replace(verdict, failed=tuple(_failed_all_the_same(judged, indicators, summary)))
    return summary, verdict


def _tasks(objectives: Sequence[Objective], indicators: Indicators, rejudge: bool) -> list[Task[ObjectiveResult]]:
    judge = partial(judge_objective, rejudge=rejudge)
    return [Task(partial(judge, objective, indicators), about=objective.metric) for objective in objectives]


def _verdict(results: Sequence[ObjectiveResult], run: RunInfo, summary: Summary, rejudge: bool) -> Verdict:
    status, reasons = _whole(results, run, summary, rejudge)
    verdict = Verdict(
        run_id=summary.run_id,
        verdict=status,
        exit_code=_EXIT_CODES[status],
        reasons=reasons,
        objectives=tuple(replace(one, written=run.written.get(one.id)) for one in results),
    )
    return replace(verdict, warnings=warnings_besides(summary, verdict))


def _failed_all_the_same(
    judged: Iterable[tuple[Objective, ObjectiveResult]], indicators: Indicators, summary: Summary
) -> Iterator[str]:
    """Yield the ids of objectives that failed by what was counted, even if every request without a record was good.

    Failures for want of a file or a port are the generator's own. Don't ask where the launcher has died: failures may
    be of the fake relay that died with it.
    """
    at_best = dataclasses.replace(indicators, lost=0, in_flight=indicators.lost)
    starved = any(error.error in STARVED for error in summary.errors)
    for objective, result in judged:
        known = METRICS[objective.metric]
        if not (result.counts and result.verdict is Status.FAIL and objective.aggregate in known.untimed):
            continue
        if (
            objective.op.floor
            or objective.op is Op.NOT_EQUAL
            or (starved and objective.metric in ("errors", "retries"))
        ):
            continue
        asked = replace_options(objective.while_it_grows, on_no_data=NoData.INCONCLUSIVE)
        if judge_objective(asked, at_best, rejudge=True).verdict is Status.FAIL:
            yield objective.id


def held(verdict: Verdict) -> Verdict:
    """Return the verdict of a gate: a run without objectives has not passed one, though it completed."""
    if verdict.objectives or verdict.verdict not in (Status.NOT_JUDGED, Status.INCONCLUSIVE):
        return verdict
    return replace(verdict, exit_code=ExitCode.UNPROVEN, reasons=(*verdict.reasons, _NOTHING_TO_HOLD))


def crashed(verdict: Verdict) -> Verdict:
    """Return the verdict of a run of which a part crashed by our own fault: its exit code is 1."""
    reasons = ("a part of the run crashed", *verdict.reasons)
    return replace(verdict, verdict=Status.INVALID, exit_code=ExitCode.CRASH, reasons=reasons)


def warnings_besides(summary: Summary, verdict: Verdict) -> tuple[str, ...]:
    """Return the warnings that are not also reasons of the verdict, for output that shows both."""
    return tuple(warning for warning in summary.warnings if warning not in verdict.reasons)


def _reasons(run: RunInfo, summary: Summary) -> tuple[str, ...]:
    """Return why the numbers of the run can't be trusted."""
    killed = (_KILLED,) if run.ended_by is None else ()
    crash = (f"a part of the run failed: {run.crash}",) if run.crash else ()
    return (*killed, *crash, *summary.generator.reasons)


def _whole(
    results: Sequence[ObjectiveResult], run: RunInfo, summary: Summary, rejudge: bool
) -> tuple[Status, tuple[str, ...]]:
    """Return the verdict of the run and its reasons beyond those of the objectives."""
    interrupted = cut_short(run)
    unplanned = (*interrupted, *map(str, run.changes))
    unbelievable = _reasons(run, summary)
    if unbelievable or run.ended_by == LAUNCHER:
        return Status.INVALID, (*unbelievable, *_stopped_early(run), *unplanned)
    if run.guardrail_reason:
        return Status.STOPPED, (run.guardrail_reason, *map(str, run.changes))
    broken = (*(() if rejudge else _stopped_early(run)), *(() if interrupted else _no_data(summary)))
    statuses = {result.verdict for result in results if result.counts}
    if Status.FAIL in statuses or broken:
        return Status.FAIL, (*broken, *unplanned)
    if Status.INCONCLUSIVE in statuses or unplanned:
        return Status.INCONCLUSIVE, unplanned
    return (Status.PASS if results else Status.NOT_JUDGED), ()


def cut_short(run: RunInfo) -> tuple[str, ...]:
    """Return who interrupted the run, if anyone: requests that were never sent can't have passed."""
    if run.interrupted_by is None:
        return ()
    after = "" if run.ended_at_s is None else f" after {format_duration(run.ended_at_s)}"
    return (f"{run.interrupted_by} ended the run{after}, before its plan was through",)


def _stopped_early(run: RunInfo) -> tuple[str, ...]:
    """Return the objective that stopped the run, proven whatever the requests then in flight did."""
    stopped = run.stopped_by_objective or ("it did not say by which objective" if run.ended_by == "objective" else None)
    return (f"stopped early: {stopped}",) if stopped else ()


def _no_data(summary: Summary) -> tuple[str, ...]:
    measured = any(group.started or group.dropped for group in summary.by_stage.values() if not group.warmup)
    return () if measured else ("no request of a measured stage was sent",)
