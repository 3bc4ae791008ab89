"""Objectives: the pass condition on one number of a run, as people write it.

    objective = metric [ "{" tag { "," tag } "}" ] "." aggregate op value
    metric    = "latency" | "service" | "ttft" | "ttfo" | "tpot" | "chunk_gap" | "late" | "output_rate"
              | "errors" | "requests" | "throughput" | "output_tokens"
    tag       = name ( "=" | "!=" ) text
    name      = "scenario" | "model" | "stage" | "outcome" | "kind"
    aggregate = "p" number | "avg" | "min" | "max" | "rate" | "count" | "per_second"
    op        = "<" | "<=" | ">" | ">=" | "==" | "!="
    value     = duration | share | rate | number

Which tags, aggregates and values go with a metric stands in `METRICS`. Spaces are free between the parts.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

from relayload.core.results.record import Outcome
from relayload.core.units import duration_s, fraction, rate_per_s


class Op(StrEnum):
    """How the observed value is to stand to the limit."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EQUAL = "=="
    NOT_EQUAL = "!="

    @property
    def ceiling(self) -> bool:
        """The limit is the most that is allowed."""
        return self in (Op.BELOW, Op.AT_MOST)

    @property
    def floor(self) -> bool:
        """The limit is the least that is wanted."""
        return self in (Op.ABOVE, Op.AT_LEAST)

    def holds(self, value: float, limit: float) -> bool:
        match self:
            case Op.BELOW:
                return value < limit
            case Op.AT_MOST:
                return value <= limit
            case Op.ABOVE:
                return value > limit
            case Op.AT_LEAST:
                return value >= limit
            case Op.EQUAL:
                return value == limit
            case Op.NOT_EQUAL:
                return value != limit


class Unit(StrEnum):
    """What a number of a metric counts."""

    SECONDS = "s"
    PER_SECOND = "/s"
    SHARE = "share"
    COUNT = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """What can be asked of a metric: its aggregates with their units, and the tags that narrow it."""

    name: str
    aggregates: Mapping[str, Unit]
    tags: tuple[str, ...]
    distribution: bool = False
    """It has one value per request (or chunk), so that percentiles make sense."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Narrows a metric to the requests whose tag has, or has not, this value."""

    name: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.name}{'!=' if self.negated else '='}{self.value}"

    def admits(self, value: str) -> bool:
        return (value == self.value) is not self.negated


@dataclass(frozen=True, slots=True)
class Objective:
    """One pass condition. `limit` is in seconds, per second, a fraction or a count, as `unit` says."""

    text: str
    metric: str
    aggregate: str
    op: Op
    limit: float
    unit: Unit
    tags: tuple[Tag, ...] = ()

    @property
    def quantile(self) -> float | None:
        """The quantile asked for: 0.99 for p99, 0 for min, 1 for max; None for any other aggregate."""
        if self.aggregate in ("min", "max"):
            return float(self.aggregate == "max")
        return float(self.aggregate[1:]) / 100 if _PERCENTILE.fullmatch(self.aggregate) else None

    def tagged(self, name: str) -> tuple[Tag, ...]:
        return tuple(tag for tag in self.tags if tag.name == name)


def parse(text: str) -> Objective:
    """Read one objective such as `ttft{stage=steady}.p99 < 800ms`.

    Raises ValueError, which says what is wrong and what to write.
    """
    match = _OBJECTIVE.fullmatch(text)
    if not match:
        raise ValueError(f"expected an objective such as 'ttft.p99 < 800ms' or 'errors.rate < 1%', got '{text}'")
    metric = METRICS.get(match["metric"])
    if metric is None:
        raise ValueError(_unknown("metric", match["metric"], METRICS))
    tags = tuple(_tag(metric, part) for part in (match["tags"] or "").split(",") if part.strip())
    unit = _unit(metric, match["aggregate"])
    op = _op(metric, match["op"])
    limit = _limit(metric, match["aggregate"], unit, match["value"])
    return Objective(text.strip(), metric.name, match["aggregate"], op, limit, unit, tags)


def within_scenario(objective: Objective, scenario: str) -> Objective:
    """The same pass condition on one scenario alone. Raises ValueError where the metric can't be told by scenario."""
    if "scenario" not in METRICS[objective.metric].tags:
        raise ValueError(f"'{objective.metric}' can't be told by scenario: write it under the profile's objectives")
    if objective.tagged("scenario"):
        raise ValueError("names a scenario already: leave out that tag, or write it under the profile's objectives")
    tags = (Tag("scenario", scenario), *objective.tags)
    condition = objective.text.partition("}")[2] if objective.tags else objective.text.partition(".")[2]
    spelled = ", ".join(map(str, tags))
    text = f"{objective.metric}{{{spelled}}}.{condition.strip().removeprefix('.').strip()}"
    return replace(objective, text=text, tags=tags)


def unknown_names(
    objective: Objective, *, scenarios: Iterable[str], models: Iterable[str], stages: Iterable[str]
) -> list[str]:
    """What is wrong with the tags of an objective, given the names that a profile knows."""
    known = {"scenario": list(scenarios), "model": list(models), "stage": list(stages)}
    return [
        _unknown(tag.name, tag.value, known[tag.name])
        for tag in objective.tags
        if tag.name in known and tag.value not in known[tag.name]
    ]


_PERCENTILE = re.compile(r"p(?!0+(\.0+)?$)\d{1,2}(\.\d+)?")
_OBJECTIVE = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\{(?P<tags>[^{}]*)\})?\s*\.\s*(?P<aggregate>\w+(?:\.\d+)?)"
    r"\s*(?P<op>[<>=!]=|[<>=])\s*(?P<value>[^<>=!\s].*?)\s*"
)
_TAG = re.compile(r"\s*(?P<name>\w+)\s*(?P<op>!=|==?)\s*(?P<value>[^\s=!<>]+)\s*")

_REQUEST_TAGS = ("scenario", "model", "stage")
_SPREAD = ("pN", "avg", "min", "max")


def _distribution(name: str, unit: Unit = Unit.SECONDS) -> Metric:
    return Metric(name, dict.fromkeys(_SPREAD, unit), (*_REQUEST_TAGS, "outcome"), distribution=True)


_PER_SECOND = {"per_second": Unit.PER_SECOND}

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            _distribution("latency"),
            _distribution("service"),
            _distribution("ttft"),
            _distribution("ttfo"),
            _distribution("tpot"),
            _distribution("chunk_gap"),
            _distribution("late"),
            _distribution("output_rate", Unit.PER_SECOND),
            Metric("errors", {"rate": Unit.SHARE, "count": Unit.COUNT}, (*_REQUEST_TAGS, "kind")),
            Metric("requests", {"count": Unit.COUNT}, (*_REQUEST_TAGS, "outcome")),
            Metric("throughput", _PER_SECOND, _REQUEST_TAGS),
            Metric("output_tokens", _PER_SECOND, _REQUEST_TAGS),
        )
    }
)
"""Every metric that an objective may name.

`output_rate` is the output tokens of a request per second of its service; `throughput` counts the requests that
ended ok, `output_tokens` the tokens of those.
"""


def _tag(metric: Metric, text: str) -> Tag:
    match = _TAG.fullmatch(text)
    if not match:
        raise ValueError(f"expected a tag such as 'stage=steady' or 'outcome!=ok', got '{text.strip()}'")
    name, value = match["name"], match["value"]
    if name not in metric.tags:
        raise ValueError(_unknown(f"tag of {metric.name}", name, metric.tags))
    if name == "outcome":
        _check_outcome(value)
    if name == "kind":
        _check_kind(value)
    return Tag(name, value, negated=match["op"] == "!=")


def _check_outcome(value: str) -> None:
    if value not in list(Outcome):
        raise ValueError(_unknown("outcome", value, list(Outcome)))


def _check_kind(value: str) -> None:
    kinds = [outcome for outcome in Outcome if outcome not in (Outcome.OK, Outcome.CANCELLED)]
    if value not in kinds and not re.fullmatch(r"[1-5]\d\d", value):
        raise ValueError(_unknown("kind of error", value, [*kinds, "429", "503"]))


def _unit(metric: Metric, aggregate: str) -> Unit:
    asked = "pN" if _PERCENTILE.fullmatch(aggregate) else aggregate
    if asked in metric.aggregates and aggregate != "pN":
        return metric.aggregates[asked]
    if metric.distribution and re.fullmatch(r"p\d.*", aggregate):
        raise ValueError(f"expected a percentile between 0 and 100 such as 'p99', or 'min' or 'max', got '{aggregate}'")
    raise ValueError(_unknown(f"aggregate of {metric.name}", aggregate, _spelled(metric)))


def _spelled(metric: Metric) -> list[str]:
    names = [name for name in metric.aggregates if name != "pN"]
    return ["p50", "p90", "p95", "p99", "p99.9", *names] if metric.distribution else names


def _op(metric: Metric, text: str) -> Op:
    if text == "=":
        raise ValueError("expected '==' to compare, got '='")
    op = Op(text)
    if metric.distribution and not (op.ceiling or op.floor):
        raise ValueError(f"expected {metric.name} to be compared with <, <=, > or >=, got '{text}'")
    return op


def _limit(metric: Metric, aggregate: str, unit: Unit, text: str) -> float:
    if unit is Unit.PER_SECOND and aggregate == "per_second" and _NUMBER.fullmatch(text):
        return float(text)  # the aggregate already names the unit
    try:
        return _READERS[unit](text)
    except ValueError as error:
        raise ValueError(f"{metric.name}.{aggregate}: {error}") from None


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _count(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"expected a number such as '100', got '{text}'")
    return float(text)


_READERS: Mapping[Unit, Callable[[str], float]] = MappingProxyType(
    {Unit.SECONDS: duration_s, Unit.PER_SECOND: rate_per_s, Unit.SHARE: fraction, Unit.COUNT: _count}
)


def _unknown(what: str, got: str, known: Iterable[str]) -> str:
    names = [str(name) for name in known]
    nearest = get_close_matches(got, names, n=1)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"expected one of {', '.join(names)}"
    return f"unknown {what} '{got}': {hint}"
