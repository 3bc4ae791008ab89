"""A verdict in single lines, for logs."""

from collections.abc import Iterator

from relayload.core.model.verdict import Judgement, Verdict, Word
from relayload.report.text import asked, observed


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict, and every reason for it."""
    yield f"verdict: {verdict.verdict}"
    yield from verdict_reasons(verdict)


def verdict_reasons(verdict: Verdict) -> Iterator[str]:
    """Those of the run, and each objective that does not hold."""
    yield from verdict.reasons
    yield from (_line(judgement) for judgement in verdict.objectives if judgement.verdict is not Word.PASS)


def _line(judgement: Judgement) -> str:
    word = judgement.verdict.value if judgement.counts else f"warning, {judgement.verdict.value}"
    because = f": {judgement.reason}" if judgement.reason else ""
    return f"{word}  {asked(judgement)}  observed {observed(judgement)}{because}"
