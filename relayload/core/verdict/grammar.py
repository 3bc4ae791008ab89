"""How people write objectives, and the reading of them.

    objective = metric [ "{" tag { "," tag } "}" ] "." aggregate op value
    metric    = "latency" | "service" | "ttft" | "ttfo" | "tpot" | "chunk_gap" | "late" | "output_rate"
              | "errors" | "requests" | "throughput" | "output_tokens" | "cost"
    tag       = name ( "=" | "!=" ) text
    name      = "scenario" | "model" | "stage" | "outcome" | "kind"
    aggregate = "p" number | "avg" | "min" | "max" | "rate" | "count" | "per_second" | "usd"
    op        = "<" | "<=" | ">" | ">=" | "==" | "!="
    value     = duration | share | rate | dollars | number

Which tags, aggregates and values go with a metric stands in `METRICS`. Spaces are free between the parts.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from relayload.core.results.record import Outcome
from relayload.core.units import duration_s, fraction, rate_per_s, usd
from relayload.core.verdict.catalog import METRICS, Metric, Unit
from relayload.core.verdict.names import unknown
from relayload.core.verdict.objective import PERCENTILE, Objective, Op, Tag


def parse(text: str) -> Objective:
    """Read one objective such as `ttft{stage=steady}.p99 < 800ms`.

    Raises ValueError, which says what is wrong and what to write.
    """
    match = _OBJECTIVE.fullmatch(text)
    if not match:
        raise ValueError(f"expected an objective such as 'ttft.p99 < 800ms' or 'errors.rate < 1%', got '{text}'")
    metric = METRICS.get(match["metric"])
    if metric is None:
        raise ValueError(unknown("metric", match["metric"], METRICS))
    tags = tuple(_tag(metric, part) for part in (match["tags"] or "").split(",") if part.strip())
    unit = _unit(metric, match["aggregate"])
    op = _op(metric, match["op"])
    limit = _limit(metric, match["aggregate"], unit, match["value"])
    return Objective(text.strip(), metric.name, match["aggregate"], op, limit, unit, tags)


_OBJECTIVE = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\{(?P<tags>[^{}]*)\})?\s*\.\s*(?P<aggregate>\w+(?:\.\d+)?)"
    r"\s*(?P<op>[<>=!]=|[<>=])\s*(?P<value>[^<>=!\s].*?)\s*"
)
_TAG = re.compile(r"\s*(?P<name>\w+)\s*(?P<op>!=|==?)\s*(?P<value>[^\s=!<>]+)\s*")


def _tag(metric: Metric, text: str) -> Tag:
    match = _TAG.fullmatch(text)
    if not match:
        raise ValueError(f"expected a tag such as 'stage=steady' or 'outcome!=ok', got '{text.strip()}'")
    name, value = match["name"], match["value"]
    if name not in metric.tags:
        raise ValueError(unknown(f"tag of {metric.name}", name, metric.tags))
    if name == "outcome":
        _check_outcome(value)
    if name == "kind":
        _check_kind(value)
    return Tag(name, value, negated=match["op"] == "!=")


def _check_outcome(value: str) -> None:
    if value not in list(Outcome):
        raise ValueError(unknown("outcome", value, list(Outcome)))


def _check_kind(value: str) -> None:
    kinds = [outcome for outcome in Outcome if outcome not in (Outcome.OK, Outcome.CANCELLED)]
    if value not in kinds and not re.fullmatch(r"[1-5]\d\d", value):
        raise ValueError(unknown("kind of error", value, [*kinds, "429", "503"]))


def _unit(metric: Metric, aggregate: str) -> Unit:
    asked = "pN" if PERCENTILE.fullmatch(aggregate) else aggregate
    if asked in metric.aggregates and aggregate != "pN":
        return metric.aggregates[asked]
    if metric.distribution and re.fullmatch(r"p\d.*", aggregate):
        raise ValueError(f"expected a percentile between 0 and 100 such as 'p99', or 'min' or 'max', got '{aggregate}'")
    raise ValueError(unknown(f"aggregate of {metric.name}", aggregate, _spelled(metric)))


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


def _dollars(text: str) -> float:
    """A float holds every limit that people write in so few digits that it prints, and compares, as it was written."""
    return float(usd(text))


_READERS: Mapping[Unit, Callable[[str], float]] = MappingProxyType(
    {
        Unit.SECONDS: duration_s,
        Unit.PER_SECOND: rate_per_s,
        Unit.SHARE: fraction,
        Unit.COUNT: _count,
        Unit.USD: _dollars,
    }
)
