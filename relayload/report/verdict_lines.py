"""Renders a verdict in single lines, for logs."""

from collections.abc import Iterator

from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.report.text import condition, failed_all_the_same, observed


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield the verdict and every reason for it."""
    yield f"verdict: {verdict.verdict}"
    yield from verdict_reasons(verdict)


def verdict_reasons(verdict: Verdict) -> Iterator[str]:
    """Yield what failed for certain, the reasons of the run, and each objective that does not hold."""
    if verdict.failed:
        yield failed_all_the_same(verdict)
    yield from verdict.reasons
    missed = [result for result in verdict.objectives if result.verdict is not Status.PASS]
    if len(missed) > 1 and len({(_status(result), observed(result), result.reason) for result in missed}) == 1:
        yield _line(missed[0], f"{len(missed)} objectives")
    else:
        yield from (_line(result, condition(result)) for result in missed)


def _line(result: ObjectiveResult, what: str) -> str:
    because = f": {result.reason}" if result.reason else ""
    return f"{_status(result)}  {what}  observed {observed(result)}{because}"


def _status(result: ObjectiveResult) -> str:
    return result.verdict.value if result.counts else f"warning, {result.verdict.value}"
