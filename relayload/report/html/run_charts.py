"""The charts of one run: which there are, and why one is not there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit
from relayload.core.metrics.summary import Second, Summary
from relayload.core.metrics.time_bins import Bins
from relayload.core.model.run import RunInfo
from relayload.core.objectives.charts import Charts
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.objective_series import ObjectiveSeries
from relayload.report.facts import cost_facts
from relayload.report.html.plot import Absent, Figure, Series
from relayload.report.html.profile_caps import ProfileCaps
from relayload.report.html.state_chart import breaker_figure
from relayload.report.html.svg import instant_text
from relayload.report.html.tail_chart import tail_figure
from relayload.report.html.time_chart import Limit, Line, Mark, Shade, TimeChart
from relayload.report.html.token_chart import token_figure

_MOST_KINDS = 6
"""The most kinds of errors with a line of their own."""
_MOST_PAIRED = 6
"""The most targets and models whose tokens are drawn."""
_LABELS = {"ttft": "TTFT", "latency": "Latency"}
Drawn = Figure | Absent


@dataclass(frozen=True, slots=True)
class RunCharts:
    """Draws the charts of a run."""

    summary: Summary
    run: RunInfo
    charts: Charts
    caps: ProfileCaps
    objectives: Sequence[str]
    """The conditions of the run, as text."""
    roughly: bool = False
    """The run goes on, and its percentiles are known to within 0.4 %."""

    @property
    def bins(self) -> Bins:
        return self.charts.data.bins

    def load(self) -> Iterator[Drawn]:
        """Yield what was sent and what came back."""
        yield self._rates()
        yield self._in_flight()
        yield self._decode_rate()

    def waits(self) -> Iterator[Drawn]:
        """Yield the waits of a caller, over time and by percentile."""
        for metric in _LABELS:
            yield self._over_time(metric)
            yield self._tail(metric)

    def waits_by_group(self) -> Iterator[tuple[str, list[Drawn]]]:
        """Yield for each way in which the run is divided its name, and the waits of each part over time."""
        for groups in self.charts.data.groups:
            left = f"; the {groups.left:,} with the fewest requests are in the tables alone" if groups.left else ""
            note = f"the median in each bin of requests that ended ok, by when they were due; log scale{left}"
            yield (
                groups.dimension,
                [
                    self._by_group(f"{_LABELS[metric]} by {groups.dimension}", note, medians)
                    for metric, medians in groups.medians.items()
                    if medians
                ],
            )

    def _by_group(self, title: str, note: str, medians: Mapping[str, Sequence[float | None]]) -> Drawn:
        lines = [Line(name, values, tone) for tone, (name, values) in enumerate(medians.items(), 1)]
        return self._chart(title, note, Unit.SECONDS, lines, log=True)

    def trouble(self) -> Iterator[Drawn]:
        """Yield failures, and what the client did about them."""
        yield self._errors()
        yield self._breakers()
        yield self._retries()
        yield self._quota_waits()

    def spend(self) -> Drawn:
        """Return the dollars so far."""
        title, usd = "Dollars so far", self.charts.data.usd
        if usd is None:
            reasons = "; ".join(text for _, text in cost_facts(self.summary.cost))
            return Absent(title, reasons or "no prices: target.prices names a list, or a price for each model")
        limits = [] if self.caps.max_usd is None else [Limit(f"max_usd {_usd(self.caps.max_usd)}", self.caps.max_usd)]
        limits += [Limit(objective.text, objective.limit) for objective in self._on("cost") if not objective.tags]
        note = "cumulative, warm-up included; what a model cost is spread evenly over the ends of its requests"
        return self._chart(title, note, Unit.USD, [Line("dollars", usd, filled=True)], limits, at_ends=True)

    def tokens(self) -> Iterator[Drawn]:
        """Yield the input tokens of each target and model, counted and reported, with the line through them."""
        audit = self.summary.audit
        usages = {} if audit is None else {(usage.target, usage.model): usage for usage in audit.usage}
        for pairs in self.charts.data.token_pairs[:_MOST_PAIRED]:
            usage = usages.get((pairs.target, pairs.model))
            yield token_figure(pairs, None if usage is None else usage.input)

    def objective(self, ident: str) -> Drawn | None:
        """Return an objective over time with its limit; None for one without a meaning within a bin."""
        series = self.charts.objectives.get(ident)
        return None if series is None else self._objective(series)

    def _objective(self, series: ObjectiveSeries) -> Drawn:
        title = {"beyond the limit": "Requests beyond the limit", "failed": "Requests that failed"}.get(
            series.what, series.what.replace("_", " ").capitalize()
        )
        share = series.unit is Unit.SHARE
        name = f"{'at most' if share else 'limit'} {quantity(series.limit, series.unit)}"
        note = "the share in each bin; the limit holds for all of them together" if share else "in each bin"
        count = Series("requests", 0, [f"{n:,}" if n else "" for n in series.requests], "none")
        line = Line(series.what.replace("_", " "), series.values, filled=share)
        return self._chart(title, note, series.unit, [line], [Limit(name, series.limit)], texts=[count])

    def _rates(self) -> Drawn:
        step_s = self.bins.step_s
        offered, started, ok, failed = (self._timeline(name) for name in ("offered", "started", "ok", "failed"))
        lines = [
            Line("offered", [count / step_s for count in offered], 4),
            Line("started", [count / step_s for count in started], 2),
            Line("ended ok", [count / step_s for count in ok], 1, filled=True),
        ]
        if any(failed):
            lines.append(Line("failed", [count / step_s for count in failed], 3))
        limits = [
            Limit(f"limit {per:g}{unit}", per / length)
            for per, unit, length in ((self.caps.per_second, "/s", 1.0), (self.caps.per_minute, "/min", 60.0))
            if per is not None
        ]
        note = f"arrivals by when they were due, ends by when they came; bins of {instant_text(step_s)}"
        return self._chart("Requests per second", note, Unit.PER_SECOND, lines, limits)

    def _timeline(self, name: str) -> list[int]:
        return self.bins.added_up((second.at_s, _count(second, name)) for second in self.summary.timeline)

    def _in_flight(self) -> Drawn:
        cap = self.caps.max_in_flight
        limits = [] if cap is None else [Limit(f"max_in_flight {cap:,.0f}", cap)]
        line = Line("in flight", [float(count) for count in self.charts.data.in_flight], filled=True)
        note = "due and not ended, at the end of each bin"
        return self._chart("Requests in flight", note, Unit.COUNT, [line], limits, at_ends=True)

    def _decode_rate(self) -> Drawn:
        title, data = "Output tokens per second", self.charts.data
        if not any(data.output_tokens):
            return Absent(title, "no answer told its output tokens")
        many = "" if self.roughly else ", which are too many to keep each"
        note = (
            f"spread evenly over the ends of requests{many}; never an objective"
            if data.spread_by_ends
            else "each answer's tokens spread from its first to its last; never an objective"
        )
        line = Line("tokens", [tokens / self.bins.step_s for tokens in data.output_tokens], filled=True)
        return self._chart(title, note, Unit.PER_SECOND, [line])

    def _over_time(self, metric: str) -> Drawn:
        bands, title = self.charts.data.bands.get(metric), f"{_LABELS[metric]} over time"
        if bands is None:
            return Absent(title, self._why_unmeasured(metric))
        tones = {50.0: 1, 90.0: 2, 99.0: 3}
        lines = [Line(f"p{p:g}", values, tones[p]) for p, values in bands.percentiles.items()]
        count = Series("requests", 0, [f"{n:,}" if n else "" for n in bands.counts], "none")
        limits = [Limit(_short(objective), objective.limit) for objective in self._on(metric) if not objective.tags]
        note = self._about("requests that ended ok, by when they were due; log scale")
        return self._chart(title, note, Unit.SECONDS, lines, limits, heat=bands, log=True, texts=[count])

    def _tail(self, metric: str) -> Drawn:
        tail, title = self.charts.data.tails.get(metric), f"{_LABELS[metric]} by percentile"
        if tail is None:
            return Absent(title, self._why_unmeasured(metric))
        limits = [
            (100 * objective.quantile, objective.limit, _short(objective))
            for objective in self._on(metric)
            if not objective.tags and objective.quantile is not None
        ]
        note = self._about("measured requests that ended ok, with the 95% interval as far as the sample bounds it")
        return tail_figure(title, note, tail, limits)

    def _about(self, note: str) -> str:
        return f"≈ {note}" if self.roughly else note

    def _errors(self) -> Drawn:
        title, errors = "Errors per second", self.charts.data.errors
        if not errors:
            return Absent(title, "none: no request failed")
        lines = [
            Line(each.error or each.outcome, [count / self.bins.step_s for count in each.ended_in], tone)
            for tone, each in enumerate(errors[:_MOST_KINDS], 1)
        ]
        rest = [each.ended_in for each in errors[_MOST_KINDS:]]
        if rest:
            lines.append(
                Line(
                    f"{len(rest)} more kinds", [sum(counts) / self.bins.step_s for counts in zip(*rest, strict=True)], 7
                )
            )
        return self._chart(title, "by kind, when they ended; the table has each", Unit.PER_SECOND, lines)

    def _breakers(self) -> Drawn:
        title, changes = "Circuit breakers", self.summary.breaker.transitions
        if not changes:
            return Absent(title, "none changed its state")
        acts = "they only watched" if self.summary.breaker.enforced is False else "open ones refuse requests"
        return breaker_figure(title, f"one row for each scope and worker; {acts}.", changes, self.bins)

    def _retries(self) -> Drawn:
        title, retries = "Retries per second", self.charts.data.retries
        if not any(retries):
            return Absent(title, "none: no attempt was followed by another")
        line = Line("retries", [count / self.bins.step_s for count in retries], filled=True)
        return self._chart(
            title, "attempts after the first of their request, when they were sent", Unit.PER_SECOND, [line]
        )

    def _quota_waits(self) -> Drawn:
        title, waits = "Waits for our own quota", self.charts.data.quota_waits
        if waits is None:
            return Absent(title, "none: no request waited for a quota of the client")
        means = [s / n if n else None for n, s in zip(waits.requests, waits.seconds, strict=True)]
        count = Series("requests that waited", 0, [f"{n:,}" if n else "" for n in waits.requests], "none")
        line = Line("mean wait", means, filled=True)
        return self._chart(
            title, "the mean of those that waited, by when they were due", Unit.SECONDS, [line], texts=[count]
        )

    def _chart(
        self, title: str, note: str, unit: str, lines: Sequence[Line], limits: Sequence[Limit] = (), **more: Any
    ) -> Figure:
        shades, marks = tuple(self._shades()), tuple(self._marks())
        return TimeChart(title, note, self.bins, unit, lines, limits, shades, marks, **more).figure()

    def _shades(self) -> Iterator[Shade]:
        """Yield the stages that are left out of the statistics."""
        data_until_s = self.bins.step_s * self.bins.count
        for span in self.run.spans(data_until_s):
            if span.seconds > 0 and (span.stage.warmup or span.stage.pause):
                name = "pause" if span.stage.pause else f"{span.stage.name}, not measured"
                yield Shade(name, span.begins_at_s, span.ends_at_s)

    def _marks(self) -> Iterator[Mark]:
        """Yield what was changed by hand before the run ended."""
        until_s = self.bins.step_s * self.bins.count
        for change in (change for change in self.run.changes if change.at_s < until_s):
            yield Mark(
                f"{change.users:,} users" if change.rate_factor is None else f"x{change.rate_factor:g}", change.at_s
            )

    def _on(self, metric: str) -> list[Objective]:
        """Return the objectives on a metric."""
        parsed = [objective for text in self.objectives if (objective := _parsed(text)) is not None]
        return [objective for objective in parsed if objective.metric == metric]

    def _why_unmeasured(self, metric: str) -> str:
        if not self.summary.counts.ok:
            return "no request ended ok"
        return "no answer was a stream" if METRICS[metric].of_streams else "nothing was measured"


def _count(second: Second, name: str) -> int:
    count: int = getattr(second, name)
    return count


def _parsed(text: str) -> Objective | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _short(objective: Objective) -> str:
    """Return the condition without its metric: `p99 < 800ms`."""
    return f"{objective.aggregate} {objective.op} {quantity(objective.limit, objective.unit)}"


def _usd(amount: float) -> str:
    return quantity(amount, Unit.USD)
