"""A verdict as cases with an outcome each, as CI systems count them."""

from collections.abc import Iterator
from dataclasses import dataclass

from relayload.core.model.terms import Written
from relayload.core.model.verdict import Judgement, Verdict, Word
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
    word: Word
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
    invalid = verdict.verdict is Word.INVALID
    believed = Case(BELIEVED, Word.INVALID, "; ".join(verdict.reasons)) if invalid else Case(BELIEVED, Word.PASS, "")
    objectives = tuple(_objective(judgement, invalid) for judgement in verdict.objectives)
    return (believed, *_whole(verdict, objectives), *objectives)


def finding(judgement: Judgement) -> str:
    """What was observed, with its interval, the k of n and the reason: `912ms (95% interval 871ms–960ms; ...)`."""
    ends = interval(judgement.low, judgement.high, judgement.unit)
    within = (
        [] if judgement.low is None and judgement.high is None else [f"{share(judgement.confidence)} interval {ends}"]
    )
    numbers = "; ".join([*within, _counted(judgement)])
    seen = f"{judgement.expr}: observed {observed(judgement)} ({numbers})"
    return f"{seen}: {judgement.reason}" if judgement.reason else seen


def _objective(judgement: Judgement, invalid: bool) -> Case:
    word, message = judgement.verdict, finding(judgement)
    if invalid:
        word, message = Word.INVALID, f"the run can't be believed; {message}"
    elif not judgement.counts and word is not Word.PASS:
        word, message = Word.PASS, f"{WARNING}: {word.value}: {message}"
    return Case(judgement.id, word, message, tuple(_details(judgement)), judgement.written)


def _details(judgement: Judgement) -> Iterator[str]:
    """What its message says in one line."""
    yield f"objective: {judgement.expr}"
    yield f"observed: {observed(judgement)}"
    if judgement.low is not None or judgement.high is not None:
        ends = interval(judgement.low, judgement.high, judgement.unit)
        yield f"{share(judgement.confidence)} interval: {ends}"
    yield f"requests: {_counted(judgement)}"
    if judgement.reason:
        yield f"why: {judgement.reason}"
    if judgement.written is not None:
        yield f"written in: {judgement.written}"


def _whole(verdict: Verdict, objectives: tuple[Case, ...]) -> tuple[Case, ...]:
    """What is wrong with the run as a whole, beyond its objectives."""
    if verdict.verdict is Word.INVALID:
        return ()
    told = "; ".join(verdict.reasons)
    explained = any(case.word is not Word.PASS for case in objectives)
    if not told and (explained or verdict.exit_code == 0):
        return () if verdict.objectives else (Case(JUDGED, Word.NOT_JUDGED, f"{Word.NOT_JUDGED}: {NO_OBJECTIVES}"),)
    word = Word.FAIL if verdict.verdict is Word.PASS else verdict.verdict
    unjudged = word in (Word.INCONCLUSIVE, Word.NOT_JUDGED) and not verdict.objectives
    return (Case(JUDGED if unjudged else CARRIED_OUT, word, told or f"exit code {verdict.exit_code}"),)


def _counted(judgement: Judgement) -> str:
    if judgement.k is None:
        return f"n {judgement.n:,}"
    return f"{judgement.k:,} of {judgement.n:,} not within the limit, as good as {judgement.effective_n:,} independent"
