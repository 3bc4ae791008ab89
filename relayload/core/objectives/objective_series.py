"""How an objective fared over time, bin by bin, from the counts that decide it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit
from relayload.core.metrics.time_bins import Bins
from relayload.core.model.snapshot import SlotCounts
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective

_Number = Callable[[SlotCounts], float | None]


@dataclass(frozen=True, slots=True)
class ObjectiveSeries:
    """One number a bin, and the limit that the whole run has to keep: single bins may pass it."""

    what: str
    unit: Unit
    limit: float
    values: tuple[float | None, ...]
    """None where nothing was measured."""
    requests: tuple[int, ...]
    """The requests behind each number."""


def objective_series(objective: Objective, indicators: Indicators, bins: Bins) -> ObjectiveSeries | None:
    """Return the series of an objective; None for one that has no meaning within a bin, such as a count or a trip.

    A percentile, an error rate and goodput show their error budget: the share of requests that break the limit. A mean
    and a rate per second show themselves. One that is judged in windows counts at the beginning of each.
    """
    shown = _shown(objective, bins)
    if shown is None:
        return None
    what, unit, limit, number = shown
    slots = [SlotCounts() for _ in range(bins.count)]
    for at_s, counts in _by_instant(objective, indicators):
        slots[bins.number(at_s)].add(counts)
    return ObjectiveSeries(what, unit, limit, tuple(map(number, slots)), tuple(slot.n for slot in slots))


def _shown(objective: Objective, bins: Bins) -> tuple[str, Unit, float, _Number] | None:
    """Return what is shown, its unit, its limit, and how it is made of counts."""
    if METRICS[objective.metric].of_audit or (objective.aggregate == "rate" and not objective.bounds_what_is_bad):
        return None
    if objective.quantile is not None or objective.aggregate == "rate":
        return _what_is_bad(objective), Unit.SHARE, objective.budget, _bad_share
    if objective.aggregate == "avg":
        return f"mean {objective.metric}", objective.unit, objective.limit, _mean_around(objective.limit)
    if objective.metric in ("throughput", "output_tokens"):
        return objective.metric, Unit.PER_SECOND, objective.limit, _per_second(objective.metric, bins.step_s)
    return None


def _what_is_bad(objective: Objective) -> str:
    if METRICS[objective.metric].distribution:
        return "beyond the limit"
    return _BAD.get(objective.metric, "not good")


_BAD = MappingProxyType(
    {
        "errors": "failed",
        "retries": "tried again",
        "tool_calls.valid": "invalid calls",
        "structured_output.valid": "unfit",
        "stream.broken": "broken",
        "stream.coalesced": "coalesced",
    }
)


def _bad_share(slot: SlotCounts) -> float | None:
    return slot.bad_at_most / slot.n if slot.n else None


def _mean_around(limit: float) -> _Number:
    return lambda slot: limit + slot.total / slot.n if slot.n else None


def _per_second(metric: str, step_s: float) -> _Number:
    if metric == "throughput":
        return lambda slot: slot.ended_ok / step_s if slot.n else None
    return lambda slot: slot.total / step_s if slot.n else None


def _by_instant(objective: Objective, indicators: Indicators) -> Iterator[tuple[float, SlotCounts]]:
    """Yield the counts of an objective, each with an instant within its slot of time."""
    if objective.options.over_s is not None:
        for window in indicators.windows(objective):
            yield from ((window.begins_at_s, counts) for counts in window.by_second(objective).values())
        return
    cells = indicators.source.counts[objective].cells
    for (_, number), counts in indicators.by_second(objective).items():
        yield (number if cells is None else cells.second(number)), counts
