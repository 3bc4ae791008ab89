"""A verdict as cases with an outcome each, as CI systems count them."""

from collections.abc import Iterator
from dataclasses import dataclass

from relayload.core.model.objective_options import Written
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.formatting import share
from relayload.core.objectives.verdict import NO_OBJECTIVES
from relayload.report.text import interval, observed

BELIEVED = "the generator can be believed"
CARRIED_OUT = "the run was carried out"
JUDGED = "there was something to judge by"
WARNING = "warning"
"""How the message of a case begins that passes, and yet has something to mind."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was asked of a run, what came of it, and why, in one line."""

    name: str
    status: Status
    message: str
    details: tuple[str, ...] = ()
    """The same, part by part."""
    written: Written | None = None
    """Where the profile asks for it."""


def cases(verdict: Verdict) -> tuple[Case, ...]:
    """Whether the run can be believed, and each objective. All of them pass if, and only if, the run does: an
    objective that only warns passes with its warning. Where there are none, one case says that nothing was judged.

    Nothing is said by an objective of a run that can't be believed: it is INVALID as well.
    """
    invalid = verdict.verdict is Status.INVALID
    believed = (
        Case(BELIEVED, Status.INVALID, "; ".join(verdict.reasons)) if invalid else Case(BELIEVED, Status.PASS, "")
    )
    objectives = tuple(_objective(result, invalid) for result in verdict.objectives)
    return (believed, *_whole(verdict, objectives), *objectives)


def finding(result: ObjectiveResult) -> str:
    """What was observed, with its interval, the k of n and the reason: `912ms (95% interval 871ms–960ms; ...)`."""
    ends = interval(result.low, result.high, result.unit)
    within = [] if result.low is None and result.high is None else [f"{share(result.confidence)} interval {ends}"]
    numbers = "; ".join([*within, _counted(result)])
    seen = f"{result.expr}: observed {observed(result)} ({numbers})"
    return f"{seen}: {result.reason}" if result.reason else seen


def _objective(result: ObjectiveResult, invalid: bool) -> Case:
    status, message = result.verdict, finding(result)
    if invalid:
        status, message = Status.INVALID, f"the run can't be believed; {message}"
    elif not result.counts and status is not Status.PASS:
        status, message = Status.PASS, f"{WARNING}: {status.value}: {message}"
    return Case(result.id, status, message, tuple(_details(result)), result.written)


def _details(result: ObjectiveResult) -> Iterator[str]:
    """What its message says in one line."""
    yield f"objective: {result.expr}"
    yield f"observed: {observed(result)}"
    if result.low is not None or result.high is not None:
        ends = interval(result.low, result.high, result.unit)
        yield f"{share(result.confidence)} interval: {ends}"
    yield f"requests: {_counted(result)}"
    if result.reason:
        yield f"why: {result.reason}"
    if result.written is not None:
        yield f"written in: {result.written}"


def _whole(verdict: Verdict, objectives: tuple[Case, ...]) -> tuple[Case, ...]:
    """What is wrong with the run as a whole, beyond its objectives."""
    if verdict.verdict is Status.INVALID:
        return ()
    told = "; ".join(verdict.reasons)
    explained = any(case.status is not Status.PASS for case in objectives)
    if not told and (explained or verdict.exit_code == 0):
        return () if verdict.objectives else (Case(JUDGED, Status.NOT_JUDGED, f"{Status.NOT_JUDGED}: {NO_OBJECTIVES}"),)
    status = Status.FAIL if verdict.verdict is Status.PASS else verdict.verdict
    unjudged = status in (Status.INCONCLUSIVE, Status.NOT_JUDGED) and not verdict.objectives
    return (Case(JUDGED if unjudged else CARRIED_OUT, status, told or f"exit code {verdict.exit_code}"),)


def _counted(result: ObjectiveResult) -> str:
    if result.k is None:
        return f"n {result.n:,}"
    return f"{result.k:,} of {result.n:,} not within the limit, as good as {result.effective_n:,} independent"
