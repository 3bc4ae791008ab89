"""Every metric that an objective may name, and what can be asked of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Unit(StrEnum):
    """What a number of a metric counts."""

    SECONDS = "s"
    PER_SECOND = "/s"
    SHARE = "share"
    USD = "$"
    COUNT = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """What can be asked of a metric: its aggregates with their units, and the tags that narrow it."""

    name: str
    aggregates: Mapping[str, Unit]
    tags: tuple[str, ...]
    distribution: bool = False
    """It has one value per request (or chunk), so that percentiles make sense."""
    conditional: bool = False
    """It counts requests that meet conditions, which stand among its tags."""
    windowless: tuple[str, ...] = ()
    """Aggregates that are known of the whole run alone, and of no window of it."""
    provable: tuple[str, ...] = ()
    """Aggregates that later requests can't mend once they are beyond their limit, or hardly."""


_REQUEST_TAGS = ("scenario", "model", "stage", "target")
_SPREAD = ("pN", "avg", "min", "max")


def _distribution(name: str, unit: Unit = Unit.SECONDS, **more: Any) -> Metric:
    return Metric(
        name,
        dict.fromkeys(_SPREAD, unit),
        (*_REQUEST_TAGS, "outcome"),
        distribution=True,
        **({"provable": _SPREAD} | more),
    )


_BREAKER = {
    "trips": Unit.COUNT,
    "open_time": Unit.SECONDS,
    "opened_after": Unit.SECONDS,
    "recovered_after": Unit.SECONDS,
}
_COUNTED = {"rate": Unit.SHARE, "count": Unit.COUNT}
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
            _distribution("chunk_gap", provable=("pN", "min", "max")),
            _distribution("late"),
            _distribution("throttled"),
            _distribution("output_rate", Unit.PER_SECOND),
            Metric("errors", _COUNTED, (*_REQUEST_TAGS, "kind"), provable=tuple(_COUNTED)),
            Metric("retries", _COUNTED, (*_REQUEST_TAGS, "kind"), provable=tuple(_COUNTED)),
            Metric("requests", {"count": Unit.COUNT}, (*_REQUEST_TAGS, "outcome")),
            Metric("throughput", _PER_SECOND, _REQUEST_TAGS),
            Metric("output_tokens", _PER_SECOND, _REQUEST_TAGS),
            Metric("goodput", {"rate": Unit.SHARE, **_PER_SECOND}, _REQUEST_TAGS, conditional=True, provable=("rate",)),
            Metric(
                "breaker",
                _BREAKER,
                ("scope", "target"),
                windowless=("opened_after", "recovered_after"),
                provable=("trips", "open_time"),
            ),
            Metric("batch", {"makespan": Unit.SECONDS}, (), windowless=("makespan",)),
            Metric("cost", {"usd": Unit.USD}, _REQUEST_TAGS, windowless=("usd",), provable=("usd",)),
        )
    }
)
"""Every metric that an objective may name.

`tpot` is the mean time between the streamed tokens of a request; `output_rate` is its output tokens per second from
the send to the last of them; `throughput` counts the requests that ended ok, `output_tokens` the tokens of those;
`throttled` is the wait of a request for our own quota.
`retries.rate` is retries per request; `goodput.rate` is of the requests that were offered. `cost` is of the whole
run, warm-up included. `batch.makespan` is the time from the first start of a batch to the end of its last request.
"""

CONDITIONS: Mapping[str, Metric] = MappingProxyType(
    {name: metric for name, metric in METRICS.items() if metric.distribution and name != "chunk_gap"}
)
"""The metrics that have one value per request, so that a good request can be told by them."""
