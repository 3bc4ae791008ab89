"""The measures by which runs are compared: one number each, and the direction that is worse."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output, Unit
from relayload.core.metrics.summary import Counts, Group, Metrics, Summary
from relayload.core.model.verdict import Verdict

_PERCENTILES = (50.0, 95.0, 99.0)
_NOTHING = 1e-12
_CONDITION = re.compile(r"\s*([<>=!]=|[<>])[^<>=!{}]*$")
"""The end of an objective, from its operator on."""
_TAG = re.compile(r"\{(\w[^=]*=.*)\}")


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
    found = [
        *_latencies(summary.metrics),
        *_rates(summary.rates.ok_per_s),
        *_goodputs(verdict),
        *_errors(summary.counts),
        *_costs(summary),
    ]
    return {measure.name: measure for measure in found}


def measures_by_tag(summary: Summary) -> dict[str, Measure]:
    """Return the measures of the requests with one tag, such as `ttft{key=team-a}.p95`, by name."""
    found: dict[str, Measure] = {}
    for tag, groups in _grouped(summary):
        for value, group in groups.items():
            for measure in (*_latencies(group.metrics), *_rates(group.ok_per_s), *_errors(group)):
                metric, _, aggregate = measure.name.partition(".")
                name = f"{metric}{{{tag}={value}}}.{aggregate}"
                found[name] = replace(measure, name=name)
    return found


def chosen(found: Mapping[str, Measure], by_tag: Mapping[str, Measure], wanted: Sequence[str]) -> dict[str, Measure]:
    """Return the wanted measures, which may be by tag, or all of the whole run.

    Raises AuthorError for an unknown name.
    """
    known = {**found, **by_tag}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        tags = ", ".join(dict.fromkeys(match[1] for name in by_tag if (match := _TAG.search(name))))
        by = f", and those of requests with one tag: {tags}" if tags else ""
        faults = [f"no such measure in every run: '{name}'; there are {', '.join(found)}{by}" for name in unknown]
        raise AuthorError([Fault(fault, path="--measure") for fault in faults])
    return {name: known[name] for name in wanted or found}


def _grouped(summary: Summary) -> Iterator[tuple[str, Mapping[str, Group]]]:
    yield "scenario", summary.by_scenario
    yield "model", summary.by_model
    yield "stage", summary.by_stage
    yield "target", summary.by_target
    yield "key", summary.by_key
    yield from summary.by_tag.items()


def _latencies(metrics: Metrics) -> Iterator[Measure]:
    for metric in shown_in(Output.COMPARISON):
        distribution = metrics[metric.name]
        for known in distribution.percentiles if distribution else ():
            if known.p in _PERCENTILES:
                name, numbers = f"{metric.name}.p{known.p:g}", (known.value, known.low, known.high)
                yield Measure(name, metric.unit, *numbers, more_is_worse=not metric.more_is_better)


def _rates(ok_per_s: float | None) -> Iterator[Measure]:
    if ok_per_s is not None:
        yield Measure("throughput.per_second", Unit.PER_SECOND, ok_per_s, more_is_worse=False)


def _goodputs(verdict: Verdict) -> Iterator[Measure]:
    """Yield the goodput, if the profile has an objective on it."""
    for judged in verdict.objectives:
        if judged.expr.startswith("goodput") and judged.observed is not None:
            name = _CONDITION.sub("", judged.expr)
            share = judged.unit == Unit.SHARE
            numbers = judged.observed, judged.low, judged.high
            yield Measure(name, judged.unit, *numbers, more_is_worse=False, relative=not share)


def _errors(counts: Counts | Group) -> Iterator[Measure]:
    if counts.not_cancelled:
        rate = counts.failed / counts.not_cancelled
        yield Measure("errors.rate", Unit.SHARE, rate, relative=False, of=counts.not_cancelled)


def _costs(summary: Summary) -> Iterator[Measure]:
    if summary.cost.usd is not None and summary.counts.ok:
        yield Measure("cost.usd_per_ok", "usd", float(summary.cost.usd) / summary.counts.ok)
