"""A verdict in lines for logs."""

from typing import Any

import pytest

from relayload.core.model.objective_options import Severity
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.report.verdict_lines import verdict_lines


def result(word: Status, **changes: Any) -> ObjectiveResult:
    plain = {"id": "ttft.p50 < 1ms", "expr": "ttft.p50 < 1ms", "unit": "s", "limit": 0.001, "reason": ""}
    return ObjectiveResult(**{**plain, "verdict": word, "observed": 0.043, "n": 60, **changes})


def lines(word: Status, *results: ObjectiveResult, reasons: tuple[str, ...] = (), **more: Any) -> list[str]:
    verdict = Verdict(run_id="r", verdict=word, exit_code=0, reasons=reasons, objectives=results, **more)
    return list(verdict_lines(verdict))


def test_a_pass_is_one_line():
    assert lines(Status.PASS, result(Status.PASS)) == ["verdict: PASS"]


def test_nothing_judged_is_told():
    assert lines(Status.NOT_JUDGED) == ["verdict: NOT JUDGED"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "FAIL  ttft.p50 < 1ms  observed 43.0ms"),
        ({"reason": "needs 59"}, "FAIL  ttft.p50 < 1ms  observed 43.0ms: needs 59"),
        ({"severity": Severity.WARN}, "warning, FAIL  ttft.p50 < 1ms  observed 43.0ms"),
    ],
)
def test_every_reason_is_told(changes: dict[str, Any], line: str):
    told = lines(Status.INVALID, result(Status.FAIL, **changes), result(Status.PASS), reasons=("too late", "dropped"))
    assert told == ["verdict: INVALID", "too late", "dropped", line]


def test_what_failed_all_the_same_comes_first():
    told = lines(Status.INVALID, reasons=("too late",), failed=("errors.rate < 1%", "fuse"))
    assert told == ["verdict: INVALID", "errors.rate < 1%, fuse failed all the same", "too late"]


def test_what_goes_for_all_that_do_not_hold_is_told_once():
    untold = {"observed": None, "n": 0, "reason": "nothing was measured"}
    several = [result(Status.INCONCLUSIVE, id=text, expr=text, **untold) for text in ("ttft.p50 < 1s", "ttft.p90 < 2s")]
    (_, line) = lines(Status.INCONCLUSIVE, *several)
    assert line == "INCONCLUSIVE  2 objectives  observed –: nothing was measured"
    warned = result(Status.INCONCLUSIVE, severity=Severity.WARN, **untold)
    assert len(lines(Status.INCONCLUSIVE, *several, warned)) == 4
