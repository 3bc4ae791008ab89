"""Objectives on what an audit found. The worst of the targets and models that the tags admit counts.

    FAIL          where the whole 95 % interval is beyond the limit;
    PASS          where the whole interval is within it;
    INCONCLUSIVE  between, and where the answers are too few or can't be counted.

The line through the counts does not see a minority of answers that are reported with clearly more than the others. If
all answers together are beyond the limit because of them, a few withhold a PASS, and `FEWEST` make it a FAIL. Right
answers are a share like any other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from msgspec.structs import replace

from relayload.core.audit.findings import Audit, Checked, ModelDifference, Tokens, Usage
from relayload.core.audit.token_line import FEWEST, Estimate
from relayload.core.model.objective_options import TooFew
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.error_budget import judge_rate
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective, Op
from relayload.core.objectives.result import no_data, result_of
from relayload.core.objectives.statistics import BadBounds, BadEvents
from relayload.core.objectives.window_results import BADNESS

SEEN_IN_100 = 90
"""In how many of 100 audits a whole swap must have been seen for "no difference seen" to count."""
_NOT_AUDITED = "no answer was audited"
_NOT_COMPARED = "no answers were compared with those of a reference"
_NOT_ASKED = "no question that has a right answer was answered"


_Found = TypeVar("_Found", Usage, ModelDifference, Checked)


def _judge_usage(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge a factor or the hidden tokens of each target and model by its interval."""
    audit = indicators.source.audit
    found = [] if audit is None else _admitted(objective, _told(audit.usage))
    if not found:
        return no_data(objective, _NOT_AUDITED)
    return _worst(objective, [(_name(usage), _of_usage(objective, usage)) for usage in found])


def _told(usages: Sequence[Usage]) -> Iterator[Usage]:
    """Yield all but those that can't be counted here, and stand in for counts themselves."""
    references = {(usage.reference, usage.model) for usage in usages if usage.reference is not None}
    yield from (usage for usage in usages if usage.unknown is None or (usage.target, usage.model) not in references)


def _of_usage(objective: Objective, usage: Usage) -> ObjectiveResult:
    if usage.unknown is not None:
        return result_of(objective, Status.INCONCLUSIVE, usage.unknown, n=usage.answers, effective_n=usage.answers)
    what, found = _READ[objective.aggregate](usage)
    if found is None:
        reason = f"no {what} was both reported and counted"
        return result_of(objective, Status.INCONCLUSIVE, reason, n=usage.answers, effective_n=usage.answers)
    return _by_line(objective, found)


@dataclass(frozen=True, slots=True)
class _Line:
    """The number that an objective asks of a line, and the same of all answers together."""

    tokens: Tokens
    estimate: Estimate | None
    together: float | None


def _by_line(objective: Objective, found: _Line) -> ObjectiveResult:
    n, estimate = found.tokens.answers, found.estimate
    if estimate is None and n < FEWEST:
        few = Status.FAIL if objective.options.on_too_few is TooFew.FAIL else Status.INCONCLUSIVE
        return result_of(objective, few, f"{n} answers are too few: it takes {FEWEST}", n=n, effective_n=n)
    if estimate is None:
        reason = "the counts are too much alike to tell a factor from hidden tokens"
        return result_of(objective, Status.INCONCLUSIVE, reason, n=n, effective_n=n)
    status = _status(objective, estimate.low, estimate.high)
    numbers = {"observed": estimate.value, "low": estimate.low, "high": estimate.high, "n": n, "effective_n": n}
    proven = True if status is Status.PASS else None
    judged = result_of(objective, status, _reason(objective, status, estimate), proven=proven, **numbers)
    return judged if status is Status.FAIL else _unless_off_line(objective, judged, found)


def _unless_off_line(objective: Objective, judged: ObjectiveResult, found: _Line) -> ObjectiveResult:
    """Withhold a PASS, or FAIL, where a minority of the answers takes all of them together beyond an upper limit."""
    together, count = found.together, found.tokens.off_line
    if not count or together is None or not objective.op.ceiling or objective.op.holds(together, objective.limit):
        return judged
    reason = (
        f"{count:,} of {found.tokens.answers:,} answers are reported with clearly more than the others: "
        f"all together {quantity(together, objective.unit)}"
    )
    status = Status.FAIL if count >= FEWEST else Status.INCONCLUSIVE
    return replace(judged, verdict=status, proven=None, reason=reason, observed=together, low=None, high=None)


def _status(objective: Objective, low: float, high: float) -> Status:
    """Return the verdict on a number that lies between two others."""
    op, limit = objective.op, objective.limit
    inside = low <= limit <= high
    match op:
        case Op.EQUAL:
            held, may_hold = low == high == limit, inside
        case Op.NOT_EQUAL:
            held, may_hold = not inside, not low == high == limit
        case _:
            ends = op.holds(low, limit), op.holds(high, limit)
            held, may_hold = all(ends), any(ends)
    return Status.PASS if held else Status.INCONCLUSIVE if may_hold else Status.FAIL


def _reason(objective: Objective, status: Status, found: Estimate) -> str:
    if status is Status.PASS:
        return ""
    value, low, high = (quantity(each, objective.unit) for each in (found.value, found.low, found.high))
    told = value if low == high else f"{value}, and surely {low} to {high}"
    return told if status is Status.FAIL else f"{told}: the limit lies between"


def _input_factor(usage: Usage) -> tuple[str, _Line | None]:
    return "input", _factor(usage.input)


def _output_factor(usage: Usage) -> tuple[str, _Line | None]:
    return "output", _factor(usage.output)


def _factor(tokens: Tokens | None) -> _Line | None:
    if tokens is None:
        return None
    hidden = 0.0 if tokens.offset is None else tokens.offset.value * tokens.answers
    together = (tokens.reported - hidden) / tokens.counted if tokens.counted else None
    return _Line(tokens, tokens.factor, together)


def _hidden_tokens(usage: Usage) -> tuple[str, _Line | None]:
    tokens = usage.input
    if tokens is None:
        return "input", None
    factor = 1.0 if tokens.factor is None else tokens.factor.value
    together = (tokens.reported - factor * tokens.counted) / tokens.answers if tokens.answers else None
    return "input", _Line(tokens, tokens.offset, together)


_READ: Mapping[str, Callable[[Usage], tuple[str, _Line | None]]] = MappingProxyType(
    {"input_factor": _input_factor, "hidden_tokens": _hidden_tokens, "output_factor": _output_factor}
)


def _judge_differs(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the number of targets and models that differ: those that may differ lie between the bounds of it."""
    audit = indicators.source.audit
    found = [] if audit is None else _admitted(objective, audit.differences)
    if audit is None or not found:
        return no_data(objective, _NOT_COMPARED)
    doubts = [(each, _doubt(audit, each)) for each in found]
    differing = [each for each, doubt in doubts if not doubt and each.differs]
    doubted = [doubt for _, doubt in doubts if doubt]
    status = _status(objective, len(differing), len(differing) + len(doubted))
    named = [f"{_name(each)} differs from {each.reference}" for each in differing]
    reasons = {Status.FAIL: named or ["none differs"], Status.INCONCLUSIVE: doubted}.get(status, [])
    return result_of(
        objective, status, "; ".join(reasons), observed=float(len(differing)), n=len(found), effective_n=len(found)
    )


def _doubt(audit: Audit, found: ModelDifference) -> str:
    """Return why a comparison tells nothing; empty if it does."""
    if any(control.differs for control in audit.controls if control.model == found.model):
        return f"{found.reference} differs from itself when asked for {found.model}"
    if found.differs:
        return ""
    if found.sees_little:
        one, other = found.answers
        return f"{_name(found)}: {one} and {other} answers to {found.prompts} prompts are too few to see no difference"
    seen = next((each.seen_in_100 for each in found.sensitivity if each.against is None), None)
    if seen is None:
        return f"{_name(found)}: what the comparison could have seen is not known"
    if seen < SEEN_IN_100:
        return f"{_name(found)}: a model of no overlap would have been seen in {seen} of 100 alone"
    return ""


def _judge_checked(objective: Objective, indicators: Indicators) -> ObjectiveResult:
    """Judge the share of right answers of each target and model, over all kinds of questions."""
    audit = indicators.source.audit
    found = [] if audit is None else _admitted(objective, audit.checked)
    by_name: dict[str, list[Checked]] = {}
    for checked in found:
        by_name.setdefault(_name(checked), []).append(checked)
    judged = [
        (name, _share_of(objective, indicators, sum(each.passed for each in own), asked))
        for name, own in by_name.items()
        if (asked := sum(each.asked for each in own))
    ]
    return _worst(objective, judged) if judged else no_data(objective, _NOT_ASKED)


def _share_of(objective: Objective, indicators: Indicators, passed: int, asked: int) -> ObjectiveResult:
    if objective.bounds_what_is_bad:
        wrong = BadEvents([(asked - passed, asked)])
        return judge_rate(objective, BadBounds(wrong, wrong), indicators, "were answered wrong", of_good=True)
    share = passed / asked
    status = Status.PASS if objective.op.holds(share, objective.limit) else Status.FAIL
    return result_of(objective, status, "", observed=share, n=asked, effective_n=asked)


def _worst(objective: Objective, judged: Sequence[tuple[str, ObjectiveResult]]) -> ObjectiveResult:
    """Return the worst result, which names its target and model where there are several."""
    name, worst = max(judged, key=lambda named: (BADNESS[named[1].verdict], _distance(objective, named[1])))
    if len(judged) == 1 or not worst.reason:
        return worst
    return replace(worst, reason=f"{name}: {worst.reason}")


def _distance(objective: Objective, result: ObjectiveResult) -> float:
    """Return how far a result is on the bad side of the limit."""
    if result.observed is None:
        return 0.0
    beyond = result.observed - objective.limit
    return beyond if objective.op.ceiling else -beyond if objective.op.floor else abs(beyond)


def _admitted(objective: Objective, found: Iterable[_Found]) -> list[_Found]:
    return [
        each
        for each in found
        if all(tag.admits(each.target or "") for tag in objective.tagged("target"))
        and all(tag.admits(each.model) for tag in objective.tagged("model"))
    ]


def _name(found: Usage | ModelDifference | Checked) -> str:
    return " ".join(filter(None, (found.target, found.model)))


AUDITED: Mapping[tuple[str, str], Callable[[Objective, Indicators], ObjectiveResult]] = MappingProxyType(
    {
        ("usage", "input_factor"): _judge_usage,
        ("usage", "hidden_tokens"): _judge_usage,
        ("usage", "output_factor"): _judge_usage,
        ("model", "differs"): _judge_differs,
        ("answers.checked", "rate"): _judge_checked,
    }
)
"""The function that judges each metric and aggregate of an audit."""
