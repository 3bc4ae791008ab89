"""A verdict as test cases, as CI systems count them."""

from collections.abc import Iterator
from dataclasses import dataclass

from relayload.core.model.objective_options import Written
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.formatting import share
from relayload.core.objectives.verdict import NO_OBJECTIVES
from relayload.report.text import certainty, interval, observed

BELIEVED = "the generator can be believed"
CARRIED_OUT = "the run was carried out"
JUDGED = "there was something to judge by"
WARNING = "warning"
"""The beginning of the message of a case that passes with a warning."""


@dataclass(frozen=True, slots=True)
class Case:
    """One requirement of a run, its outcome, and the reason on one line."""

    name: str
    status: Status
    message: str
    details: tuple[str, ...] = ()
    """The parts of the message."""
    written: Written | None = None
    """Where the profile has the requirement."""


def cases(verdict: Verdict) -> tuple[Case, ...]:
    """Return a case for whether the run can be believed, and one for each objective.

    All cases pass if, and only if, the run does: an objective that only warns passes with its warning, and without
    objectives one case says that nothing was judged. If the run can't be believed, its objectives are INVALID as well,
    except those that failed all the same, which come first.
    """
    invalid = verdict.verdict is Status.INVALID
    believed = (
        Case(BELIEVED, Status.INVALID, "; ".join(verdict.reasons)) if invalid else Case(BELIEVED, Status.PASS, "")
    )
    failed = tuple(_certain(result) for result in verdict.objectives if result.id in verdict.failed)
    others = (result for result in verdict.objectives if result.id not in verdict.failed)
    objectives = tuple(_objective(result, invalid) for result in others)
    return (*failed, believed, *_whole(verdict, objectives), *objectives)


def finding(result: ObjectiveResult) -> str:
    """Describe what was observed, its interval, the k of n and the reason: `912ms (95% interval 871ms–960ms; ...)`.

    A PASS says whether it is proven or observed.
    """
    ends = interval(result.low, result.high, result.unit)
    within = [] if result.low is None and result.high is None else [f"{share(result.confidence)} interval {ends}"]
    numbers = "; ".join([*within, _counted(result), *_certainty(result)])
    seen = f"{result.expr}: observed {observed(result)} ({numbers})"
    return f"{seen}: {result.reason}" if result.reason else seen


def _objective(result: ObjectiveResult, invalid: bool) -> Case:
    status, message = result.verdict, finding(result)
    if invalid:
        status, message = Status.INVALID, f"the run can't be believed; {message}"
    elif result.warns:
        status, message = Status.PASS, f"{WARNING}: {status.value}: {message}"
    return Case(result.id, status, message, tuple(_details(result)), result.written)


def _certain(result: ObjectiveResult) -> Case:
    """Return the case of an objective that failed although the run can't be believed."""
    message = f"failed all the same, though the run can't be believed; {finding(result)}"
    return Case(result.id, Status.FAIL, message, tuple(_details(result)), result.written)


def _details(result: ObjectiveResult) -> Iterator[str]:
    """Yield the parts of the message."""
    yield f"objective: {result.expr}"
    yield f"observed: {observed(result)}"
    if result.low is not None or result.high is not None:
        ends = interval(result.low, result.high, result.unit)
        yield f"{share(result.confidence)} interval: {ends}"
    yield from _certainty(result)
    yield f"requests: {_counted(result)}"
    if result.reason:
        yield f"why: {result.reason}"
    if result.written is not None:
        yield f"written in: {result.written}"


def _certainty(result: ObjectiveResult) -> Iterator[str]:
    if found := certainty(result):
        yield f"{Status.PASS}: {found}"


def _whole(verdict: Verdict, objectives: tuple[Case, ...]) -> tuple[Case, ...]:
    """Return a case for what is wrong with the run as a whole, beyond its objectives."""
    if verdict.verdict is Status.INVALID:
        return ()
    reasons = "; ".join(verdict.reasons)
    explained = any(case.status is not Status.PASS for case in objectives)
    if not reasons and (explained or verdict.exit_code == 0):
        return () if verdict.objectives else (Case(JUDGED, Status.NOT_JUDGED, f"{Status.NOT_JUDGED}: {NO_OBJECTIVES}"),)
    status = Status.FAIL if verdict.verdict is Status.PASS else verdict.verdict
    unjudged = status in (Status.INCONCLUSIVE, Status.NOT_JUDGED) and not verdict.objectives
    return (Case(JUDGED if unjudged else CARRIED_OUT, status, reasons or f"exit code {verdict.exit_code}"),)


def _counted(result: ObjectiveResult) -> str:
    if result.k is None:
        return f"n {result.n:,}"
    return f"{result.k:,} of {result.n:,} not within the limit, as good as {result.effective_n:,} independent"
