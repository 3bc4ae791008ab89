"""The syntax of objectives and its parser.

    objective = metric [ "{" part { "," part } "}" ] "." aggregate op value
    part      = tag | condition
    tag       = name ( "=" | "!=" ) text
    condition = metric ( "<" | "<=" | ">" | ">=" ) value
    op        = "<" | "<=" | ">" | ">=" | "==" | "!="
    value     = duration | share | rate | dollars | number

The long form is a mapping of such an expression and options, all of which may be omitted:

    {expr: objective, id: text, over: duration, for: number of windows, abort: true, abort_after: duration,
     confidence: share | "strict", on_no_data: "fail" | "pass" | "inconclusive", severity: "error" | "warn"}

`metrics.catalog` lists every metric with its aggregates (whose `pN` is `"p" number`), the names of its tags and the
unit of its values; scenarios may have further tags (`scenario_tags`). Only goodput has conditions, which are metrics
with one value per request, and stall has one: the gap beyond which it counts. Spaces between the parts are optional.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from relayload.core.metrics.catalog import METRICS, PER_CHUNK, PER_REQUEST, TAG_NAMES
from relayload.core.metrics.chunk_gaps import WINDOWED_SLOT_S
from relayload.core.metrics.metric import Metric, Per, Unit
from relayload.core.model.objective_options import ObjectiveOptions, ObjectiveSpec, Severity
from relayload.core.model.record import FailureKind, Outcome, outcome_of_status
from relayload.core.objectives.foreign_syntax import candidates
from relayload.core.objectives.objective import PERCENTILE, Condition, Objective, Op, Tag
from relayload.core.objectives.validation import unknown
from relayload.core.stats.sample import CONFIDENCE
from relayload.core.units import duration_s, fraction, rate_per_s, usd

_OTHER_WORDS = MappingProxyType({"median": "p50", "mean": "avg", "average": "avg"})
"""Foreign names of aggregates, for which the nearest match would be a wrong one."""


_NO_OBJECTIVE = "expected an objective such as"


def parse(text: str) -> Objective:
    """Read one objective such as `ttft{stage=steady}.p99 < 800ms`.

    Raises ValueError with the fault and what to write instead.
    """
    try:
        return _objective(text)
    except ValueError as error:
        raise ValueError(_with_question(str(error), text)) from None


def _with_question(problem: str, text: str) -> str:
    """Return the problem with a suggestion: the whole objective, so that it can be copied."""
    likely = meant(text)
    if likely is None:
        return problem
    if problem.startswith(_NO_OBJECTIVE):
        return f"expected metric.aggregate < value, got '{text}': did you mean '{likely}'?"
    what, mark = (problem.partition(": ")[0], ":") if problem.startswith("unknown ") else (problem, ";")
    return f"{what}{mark} did you mean '{likely}'?"


def meant(text: str) -> str | None:
    """Return the objective that an invalid text most likely means; None where that is unknown."""
    return next(filter(_is_objective, candidates(text)), None)


def _is_objective(text: str) -> bool:
    try:
        found = _objective(text)
    except ValueError:
        return False
    return all(tag.name in TAG_NAMES for tag in found.tags)


def _objective(text: str) -> Objective:
    match = _OBJECTIVE.fullmatch(text)
    if not match:
        raise ValueError(f"{_NO_OBJECTIVE} 'ttft.p99 < 800ms' or 'errors.rate < 1%', got '{text}'")
    metric = METRICS.get(match["metric"])
    if metric is None:
        raise ValueError(unknown("metric", match["metric"], METRICS))
    parts = [part.strip() for part in (match["parts"] or "").split(",") if part.strip()]
    bounds = [part for part in parts if metric.conditional and _CONDITION.fullmatch(part)]
    tags = tuple(_tag(metric, part) for part in parts if part not in bounds)
    _check_consistent(tags)
    conditions = tuple(_condition(part, metric) for part in bounds)
    if metric.conditional is Per.CHUNK:
        _check_bound(metric, conditions)
    unit = _unit(metric, match["aggregate"])
    op = _op(metric, match["op"])
    limit = _limit(metric, match["aggregate"], unit, match["value"])
    return Objective(
        text.strip(),
        metric.name,
        match["aggregate"],
        op,
        limit,
        unit,
        tags,
        conditions,
    )


def objective_of(recorded: str | ObjectiveSpec) -> Objective:
    """Return the objective that a recording holds. Raises ValueError."""
    if isinstance(recorded, str):
        return parse(recorded)
    return with_options(parse(recorded.expr), recorded.options)


def with_options(objective: Objective, options: ObjectiveOptions) -> Objective:
    """Return the objective with these options. Raises ValueError where the two do not go together."""
    if options.over_s is None and options.for_windows != 1:
        raise ValueError("'for' counts windows: write 'over', too, such as over: 30s")
    metric, name = METRICS[objective.metric], f"{objective.metric}.{objective.aggregate}"
    if metric.of_audit:
        _check_of_audit(name, options)
    aggregate = "pN" if PERCENTILE.fullmatch(objective.aggregate) else objective.aggregate
    if options.over_s is not None and aggregate in metric.windowless:
        raise ValueError(f"{name} can't be told in windows: leave out 'over'")
    if objective.metric in PER_CHUNK and options.over_s is not None and options.over_s < WINDOWED_SLOT_S:
        raise ValueError(f"gaps are counted second by second: expected over: 1s or more, got {options.over_s:g}s")
    if options.abort_after_s and not options.abort:
        raise ValueError("'abort_after' needs abort: true")
    if options.abort and (aggregate not in metric.provable or not _bounds_what_grows(objective)):
        raise ValueError(f"'{objective.text}' can't be proven broken before the end: leave out 'abort'")
    if options.abort and options.severity is Severity.WARN:
        raise ValueError("a warning does not end a run: leave out 'abort' or severity: warn")
    return replace(objective, options=options)


def _check_of_audit(name: str, options: ObjectiveOptions) -> None:
    """Refuse what needs counts before the run is over, or another confidence than that of the audit's intervals."""
    if options.abort:
        raise ValueError(f"{name} is known after the last request: leave out 'abort'")
    if options.confidence != CONFIDENCE and not name.endswith(".rate"):
        raise ValueError(f"{name} has the confidence of the audit: leave out 'confidence'")


def _bounds_what_grows(objective: Objective) -> bool:
    """Return whether it bounds bad things, which accumulate, rather than good ones."""
    is_good = METRICS[objective.metric].more_is_better
    return objective.bounds_what_is_bad or (objective.op is Op.EQUAL and not is_good)


_OBJECTIVE = re.compile(
    r"\s*(?P<metric>\w+?(?:\.[a-z]\w*)??)\s*(?:\{(?P<parts>[^{}]*)\})?\s*\.\s*(?P<aggregate>\w+(?:\.\d+)?)"
    r"\s*(?P<op>[<>=!]=|[<>=])\s*(?P<value>[^<>=!\s].*?)\s*"
)
_CONDITION = re.compile(r"(?P<metric>\w+)\s*(?P<op><=|>=|<|>)\s*(?P<value>[^<>=!\s].*)")
_TAG = re.compile(r"\s*(?P<name>\w+)\s*(?P<op>!=|==?)\s*(?P<value>[^\s=!<>]+)\s*")


def _tag(metric: Metric, text: str) -> Tag:
    match = _TAG.fullmatch(text)
    if not match or (metric.conditional and match["name"] in _BOUNDED[metric.conditional]):
        raise ValueError(f"expected {_EXAMPLES[metric.conditional]}, got '{text}'")
    name, value = match["name"], match["value"]
    if name not in metric.tags and not (metric.of_scenarios and name not in TAG_NAMES):
        raise ValueError(unknown(f"tag of {metric.name}", name, metric.tags))
    if name == "outcome":
        _check_outcome(value)
    if name == "kind":
        _check_kind(value)
    return Tag(name, value, negated=match["op"] == "!=")


def _check_consistent(tags: Sequence[Tag]) -> None:
    """Refuse tags that no request has together, so that nothing bad would ever be found."""
    wanted: dict[str, Tag] = {}
    for tag in tags:
        if not tag.negated and wanted.setdefault(tag.name, tag) != tag:
            raise ValueError(f"nothing is both {wanted[tag.name]} and {tag}: write an objective for each")
    for tag in tags:
        if tag.negated and tag.name in wanted and tag.value in _implied(wanted[tag.name]):
            raise ValueError(f"nothing is both {wanted[tag.name]} and {tag}: leave one of them out")


def _implied(tag: Tag) -> set[str]:
    """Return the value of a tag, and the outcome that a status as `kind` means."""
    outcome = {outcome_of_status(int(tag.value)).value} if tag.name == "kind" and tag.value.isdecimal() else set()
    return {tag.value} | outcome


_EXAMPLES = {
    None: "a tag such as 'stage=steady' or 'outcome!=ok'",
    Per.REQUEST: "a condition such as 'ttft<200ms' or a tag such as 'stage=steady'",
    Per.CHUNK: "a bound such as 'chunk_gap>2s' or a tag such as 'stage=steady'",
}
_BOUNDED = MappingProxyType({Per.REQUEST: PER_REQUEST, Per.CHUNK: PER_CHUNK})
"""The metrics that may be conditions."""


def _check_bound(metric: Metric, conditions: Sequence[Condition]) -> None:
    if len(conditions) != 1:
        raise ValueError(f"expected one bound, such as {metric.name}{{chunk_gap>2s}}.count")
    (bound,) = conditions
    if bound.op.ceiling:
        meant = f"{metric.name}{{{bound.text.replace(bound.op, '>')}}}"
        raise ValueError(f"a {metric.name} is a gap above its bound, and '{bound}' is one below: write {meant}")


def _condition(text: str, conditional: Metric) -> Condition:
    match = _CONDITION.fullmatch(text)
    assert match, "was found to be one"
    assert conditional.conditional, "has conditions"
    known = _BOUNDED[conditional.conditional]
    metric = known.get(match["metric"])
    if metric is None:
        raise ValueError(unknown(f"metric of a {conditional.conditional.value}", match["metric"], known))
    unit = metric.aggregates["max"]
    return Condition(metric.name, Op(match["op"]), _read(unit, match["value"], metric.name), text)


def _check_outcome(value: str) -> None:
    if value not in list(Outcome):
        raise ValueError(unknown("outcome", value, list(Outcome)))


_NO_ERRORS = (Outcome.OK.value, Outcome.CANCELLED.value)


def _check_kind(value: str) -> None:
    kinds = [name for name in dict.fromkeys(map(str, (*Outcome, *FailureKind))) if name not in _NO_ERRORS]
    if value not in kinds and not re.fullmatch(r"[1-5]\d\d", value):
        raise ValueError(unknown("kind of error", value, [*kinds, "429", "503"]))


def _unit(metric: Metric, aggregate: str) -> Unit:
    name = "pN" if PERCENTILE.fullmatch(aggregate) else aggregate
    if name in metric.aggregates and aggregate != "pN":
        return metric.aggregates[name]
    if metric.distribution and re.fullmatch(r"p\d.*", aggregate):
        raise ValueError(f"expected a percentile between 0 and 100 such as 'p99', or 'min' or 'max', got '{aggregate}'")
    what, meant = f"aggregate of {metric.name}", _OTHER_WORDS.get(aggregate)
    if meant and metric.distribution:
        raise ValueError(f"unknown {what} '{aggregate}': did you mean '{meant}'?")
    raise ValueError(unknown(what, aggregate, _spelled(metric)))


def _spelled(metric: Metric) -> list[str]:
    names = [name for name in metric.aggregates if name != "pN"]
    return ["p50", "p90", "p95", "p99", "p99.9", *names] if metric.distribution else names


def _op(metric: Metric, text: str) -> Op:
    if metric.distribution and text in ("=", Op.EQUAL, Op.NOT_EQUAL):
        raise ValueError(f"expected {metric.name} to be compared with <, <=, > or >=, got '{text}'")
    if text == "=":
        raise ValueError("expected '==' to compare, got '='")
    return Op(text)


def _limit(metric: Metric, aggregate: str, unit: Unit, text: str) -> float:
    if unit is Unit.PER_SECOND and aggregate == "per_second" and _NUMBER.fullmatch(text):
        return float(text)  # the aggregate already names the unit
    return _read(unit, text, f"{metric.name}.{aggregate}")


def _read(unit: Unit, text: str, name: str) -> float:
    try:
        return _READERS[unit](text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _count(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"expected a number such as '100', got '{text}'")
    return float(text)


def _dollars(text: str) -> float:
    """Read dollars as a float, which keeps any limit with so few digits exact for printing and comparing."""
    return float(usd(text))


_READERS: Mapping[Unit, Callable[[str], float]] = MappingProxyType(
    {
        Unit.SECONDS: duration_s,
        Unit.PER_SECOND: rate_per_s,
        Unit.SHARE: fraction,
        Unit.COUNT: _count,
        Unit.FACTOR: _count,
        Unit.USD: _dollars,
    }
)
