"""A verdict as cases with an outcome each, as CI systems count them."""

from dataclasses import dataclass

from relayload.core.verdict.gate import NOTHING_JUDGED, Verdict
from relayload.core.verdict.judgement import Judgement
from relayload.core.verdict.stats import Word
from relayload.core.verdict.wording import share
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


def cases(verdict: Verdict) -> tuple[Case, ...]:
    """Whether the run can be believed, and each objective. All of them pass if, and only if, the run does: an
    objective that only warns passes with its warning.

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
    if invalid:
        return Case(judgement.id, Word.INVALID, f"the run can't be believed; {finding(judgement)}")
    if not judgement.counts and judgement.verdict is not Word.PASS:
        return Case(judgement.id, Word.PASS, f"{WARNING}: {judgement.verdict.value}: {finding(judgement)}")
    return Case(judgement.id, judgement.verdict, finding(judgement))


def _whole(verdict: Verdict, objectives: tuple[Case, ...]) -> tuple[Case, ...]:
    """What is wrong with the run as a whole, beyond its objectives."""
    if verdict.verdict is Word.INVALID:
        return ()
    told = "; ".join(verdict.reasons)
    explained = any(case.word is not Word.PASS for case in objectives)
    if not told and (explained or verdict.exit_code == 0):
        return () if verdict.objectives else (Case(JUDGED, Word.PASS, f"{WARNING}: {NOTHING_JUDGED}"),)
    word = Word.FAIL if verdict.verdict is Word.PASS else verdict.verdict
    unjudged = word is Word.INCONCLUSIVE and not verdict.objectives
    return (Case(JUDGED if unjudged else CARRIED_OUT, word, told or f"exit code {verdict.exit_code}"),)


def _counted(judgement: Judgement) -> str:
    if judgement.k is None:
        return f"n {judgement.n:,}"
    return f"{judgement.k:,} of {judgement.n:,} not within the limit, as good as {judgement.effective_n:,} independent"
