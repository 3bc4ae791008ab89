"""The measures by which runs are compared: one number each, and the direction that is worse."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output, Unit
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict

_PERCENTILES = (50.0, 95.0, 99.0)
_NOTHING = 1e-12
_CONDITION = re.compile(r"\s*([<>=!]=|[<>])[^<>=!{}]*$")
"""The end of an objective, from its operator on."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a run."""

    name: str
    unit: str
    value: float
    low: float | None = None
    """With `high`, the interval of the value from this run alone."""
    high: float | None = None
    more_is_worse: bool = True
    relative: bool = True
    """The change is a ratio; else a difference, as of a share that may be 0."""
    of: int | None = None
    """The number of requests that a share is a part of, if it is a share of requests."""

    def scaled(self, value: float) -> float:
        """Return the value on the scale on which a change is a shift. Zero sorts below everything else."""
        return math.log(max(value, _NOTHING)) if self.relative else value


def measures(summary: Summary, verdict: Verdict) -> dict[str, Measure]:
    """Return the measures of a run by name: of the requests that ended ok, and of those that did not."""
    found = [*_latencies(summary), *_rates(summary), *_goodputs(verdict), *_errors(summary), *_costs(summary)]
    return {measure.name: measure for measure in found}


def chosen(found: Mapping[str, Measure], wanted: Sequence[str]) -> dict[str, Measure]:
    """Return the wanted measures, or all. Raises AuthorError for an unknown name."""
    unknown = [name for name in wanted if name not in found]
    if unknown:
        faults = [f"no such measure in every run: '{name}'; there are {', '.join(found)}" for name in unknown]
        raise AuthorError([Fault(fault, path="--measure") for fault in faults])
    return {name: found[name] for name in wanted or found}


def _latencies(summary: Summary) -> Iterator[Measure]:
    for metric in shown_in(Output.COMPARISON):
        distribution = summary.metrics[metric.name]
        for known in distribution.percentiles if distribution else ():
            if known.p in _PERCENTILES:
                name, numbers = f"{metric.name}.p{known.p:g}", (known.value, known.low, known.high)
                yield Measure(name, metric.unit, *numbers, more_is_worse=not metric.more_is_better)


def _rates(summary: Summary) -> Iterator[Measure]:
    if summary.rates.ok_per_s is not None:
        yield Measure("throughput.per_second", Unit.PER_SECOND, summary.rates.ok_per_s, more_is_worse=False)


def _goodputs(verdict: Verdict) -> Iterator[Measure]:
    """Yield the goodput, if the profile has an objective on it."""
    for judged in verdict.objectives:
        if judged.expr.startswith("goodput") and judged.observed is not None:
            name = _CONDITION.sub("", judged.expr)
            share = judged.unit == Unit.SHARE
            numbers = judged.observed, judged.low, judged.high
            yield Measure(name, judged.unit, *numbers, more_is_worse=False, relative=not share)


def _errors(summary: Summary) -> Iterator[Measure]:
    rate = summary.counts.errors_rate
    if rate is not None:
        yield Measure("errors.rate", Unit.SHARE, rate, relative=False, of=summary.counts.not_cancelled)


def _costs(summary: Summary) -> Iterator[Measure]:
    if summary.cost.usd is not None and summary.counts.ok:
        yield Measure("cost.usd_per_ok", "usd", float(summary.cost.usd) / summary.counts.ok)
