"""From a fold and objectives to the verdict of a run. Fails closed: no data is never a pass.

The order: can the generator be believed, and then the objectives, each on its own. In an objective a percentile
counts requests that failed, were dropped or were lost as infinitely slow (as nothing, where more is better), since
whoever waited for them never got an answer. An `outcome=` tag asks for those requests alone, with their own values.
Objectives cover the measured stages.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from relayload.core.results.fold import Fold
from relayload.core.results.jobs import RunAll, one_by_one
from relayload.core.results.run import RunInfo
from relayload.core.results.summary import Summary
from relayload.core.verdict.evidence import Evidence
from relayload.core.verdict.judgement import Judgement
from relayload.core.verdict.judging import judge_objective
from relayload.core.verdict.objective import Objective
from relayload.core.verdict.stats import Word

SCHEMA_VERSION = 1
_EXIT_CODES = ((Word.PASS, 0), (Word.FAIL, 3), (Word.INCONCLUSIVE, 4), (Word.INVALID, 4))


class Verdict(Struct, frozen=True, kw_only=True):
    """The verdict of a run: `verdict.json`."""

    run_id: str
    verdict: Word
    exit_code: int
    reasons: tuple[str, ...]
    """Why the run as a whole is INVALID or FAIL; the objectives have their own."""
    objectives: tuple[Judgement, ...]
    schema_version: int = SCHEMA_VERSION


def judge(
    objectives: Sequence[Objective], fold: Fold, run: RunInfo, summary: Summary, run_all: RunAll = one_by_one
) -> Verdict:
    """Judge a run by its objectives."""
    evidence = Evidence(fold, run, summary.counts.lost)
    judgements = tuple(run_all([partial(judge_objective, objective, evidence) for objective in objectives]))
    reasons = _reasons(run, summary)
    word = Word.INVALID if reasons else _whole(judgements, summary)
    return Verdict(
        run_id=summary.run_id,
        verdict=word,
        exit_code=dict(_EXIT_CODES)[word],
        reasons=reasons or _no_data(summary),
        objectives=judgements,
    )


def _reasons(run: RunInfo, summary: Summary) -> tuple[str, ...]:
    """Why the numbers of the run can't be believed."""
    cut_short = ("the run was killed before it ended",) if run.ended_by is None else ()
    return (*summary.generator.reasons, *cut_short)


def _whole(judgements: Sequence[Judgement], summary: Summary) -> Word:
    words = {judgement.verdict for judgement in judgements}
    if Word.FAIL in words or _no_data(summary):
        return Word.FAIL
    return Word.INCONCLUSIVE if Word.INCONCLUSIVE in words else Word.PASS


def _no_data(summary: Summary) -> tuple[str, ...]:
    measured = any(group.started or group.dropped for group in summary.by_stage.values() if not group.warmup)
    return () if measured else ("no request of a measured stage was sent",)
