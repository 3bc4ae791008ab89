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
    yield from (_line(result) for result in verdict.objectives if result.verdict is not Status.PASS)


def _line(result: ObjectiveResult) -> str:
    status = result.verdict.value if result.counts else f"warning, {result.verdict.value}"
    because = f": {result.reason}" if result.reason else ""
    return f"{status}  {condition(result)}  observed {observed(result)}{because}"
