"""A verdict in lines for logs."""

from typing import Any

import pytest

from relayload.core.model.terms import Severity
from relayload.core.model.verdict import Judgement, Verdict, Word
from relayload.report.lines import verdict_lines


def judgement(word: Word, **changes: Any) -> Judgement:
    plain = {"id": "ttft.p50 < 1ms", "expr": "ttft.p50 < 1ms", "unit": "s", "limit": 0.001, "reason": ""}
    return Judgement(**{**plain, "verdict": word, "observed": 0.043, "n": 60, **changes})


def lines(word: Word, *judgements: Judgement, reasons: tuple[str, ...] = ()) -> list[str]:
    verdict = Verdict(run_id="r", verdict=word, exit_code=0, reasons=reasons, objectives=judgements)
    return list(verdict_lines(verdict))


def test_a_pass_is_one_line():
    assert lines(Word.PASS, judgement(Word.PASS)) == ["verdict: PASS"]


def test_nothing_judged_is_told():
    assert lines(Word.NOT_JUDGED) == ["verdict: NOT JUDGED"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "FAIL  ttft.p50 < 1ms  observed 43.0ms"),
        ({"reason": "needs 59"}, "FAIL  ttft.p50 < 1ms  observed 43.0ms: needs 59"),
        ({"severity": Severity.WARN}, "warning, FAIL  ttft.p50 < 1ms  observed 43.0ms"),
    ],
)
def test_every_reason_is_told(changes: dict[str, Any], line: str):
    told = lines(Word.INVALID, judgement(Word.FAIL, **changes), judgement(Word.PASS), reasons=("too late", "dropped"))
    assert told == ["verdict: INVALID", "too late", "dropped", line]
