"""Renders a summary and a verdict as text."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output, Unit
from relayload.core.metrics.summary import GeneratorHealth, Group, Metrics, Rates, Summary
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.formatting import quantity, share
from relayload.core.objectives.verdict import NO_OBJECTIVES, warnings_besides
from relayload.core.stats.effective_size import FEWEST
from relayload.core.stats.sample import Distribution
from relayload.core.units import format_duration
from relayload.report.audit_facts import audit_facts
from relayload.report.facts import batch_facts, client_facts, cost_facts, heading_facts, later_facts, target_facts
from relayload.report.fitting_table import Cell, Column, FittingTable, packed
from relayload.report.objective_reasons import reasons_told
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.side_by_side import side_by_side_parts
from relayload.report.stages import stage_parts

MARKS = {Status.PASS: "✓", Status.FAIL: "✗", Status.INCONCLUSIVE: "?"}
STYLES = {
    Status.PASS: "green",
    Status.FAIL: "red",
    Status.INCONCLUSIVE: "yellow",
    Status.INVALID: "yellow",
    Status.STOPPED: "magenta",
    Status.NOT_JUDGED: "yellow",
}
COUNTED = "k of n ≈ eff."
COUNTED_LEGEND = "k of n requests broke the limit; being correlated, the n are worth about eff."
PROVEN, OBSERVED = "proven", "observed"
OBSERVED_LEGEND = "observed: the run met the limit, but proves it for no other run (confidence: strict asks for proof)"
_MET = "○"
"""The mark of an objective that is met but not proven."""
_MISSED = ((Status.FAIL, "failed"), (Status.INCONCLUSIVE, "inconclusive"))
_WARNING = Text("!", style="yellow")
_FACT_WIDTH, _FACT_GAP = 9, 2


def render_summary(
    summary: Summary, run: RunInfo | None = None, verdict: Verdict | None = None, screen: Screen = PLAIN
) -> str:
    """Render counts, latencies by scenario and stage, errors, rates and the state of the generator.

    With the run and its verdict, what was tested and the verdict come first.
    """
    heading: list[tuple[str, Cell]] = [*heading_facts(summary, run)]
    heading += [("verdict", conclusion(verdict))] if verdict is not None else []
    about = "≈ " if run is not None and run.from_snapshots else ""
    parts = [
        Text(packed(_title(summary), screen.width), style="bold"),
        *_facts(heading, screen),
        Text(),
        *_facts([*batch_facts(summary.batch), *count_facts(summary)], screen),
        Text(),
        _latencies(summary, about)
        if _any_latency(summary)
        else Text("nothing measured: no request of a measured stage ended ok"),
    ]
    parts += [Text(), *stage_parts(summary, about)] if len(summary.by_stage) > 1 else []
    facts = [*_errors(summary), *client_facts(summary), *rate_facts(summary), *cost_facts(summary.cost)]
    facts += [*target_facts(summary), *audit_facts(summary.audit)]
    parts += [Text(), *_facts([*facts, *generator_facts(summary)], screen)]
    if summary.comparison is not None:
        parts += [Text(), *side_by_side_parts(summary.comparison)]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in summary.warnings]
    return printed(parts, screen)


def render_verdict(verdict: Verdict, screen: Screen = PLAIN) -> str:
    """Render each objective with what was observed, and the verdict of the run."""
    parts: list[RenderableType] = [objectives_table(verdict.objectives), Text()] if verdict.objectives else []
    reasons = reasons_told(verdict.objectives)
    parts += [*map(Text, reasons), Text()] if reasons else []
    parts += [conclusion(verdict), *(Padding(Text(reason), (0, 0, 0, 2)) for reason in verdict.reasons)]
    return printed(parts, screen)


def render_run(
    summary: Summary, run: RunInfo | None, verdict: Verdict, screen: Screen = PLAIN, *, verdict_first: bool = False
) -> str:
    """Render the tables of a run and then its verdict, which also comes first with `verdict_first`.

    A warning that is a reason of the verdict is shown once, as that.
    """
    shown = structs.replace(summary, warnings=warnings_besides(summary, verdict))
    above = render_summary(shown, run, verdict if verdict_first else None, screen)
    return f"{above}\n{render_verdict(verdict, screen)}"


_WORTH_TELLING = 0.01
"""The share of a value above which its error is shown."""


def _title(summary: Summary) -> str:
    workers = f"{summary.workers} worker{'s' if summary.workers != 1 else ''}"
    return f"{summary.profile.name} · {format_duration(summary.duration_s)} · {workers} · {summary.run_id}"


def _facts(rows: Iterable[tuple[str, Cell]], screen: Screen) -> Iterator[RenderableType]:
    """Yield a table of names on the left and texts on the right."""
    table = Table.grid(padding=(0, _FACT_GAP))
    table.add_column(style="dim", width=_FACT_WIDTH)
    table.add_column(overflow="fold")
    room = screen.width - _FACT_WIDTH - _FACT_GAP
    for name, text in rows:
        table.add_row(name, packed(text, room) if isinstance(text, str) else text)
    yield table


def count_facts(summary: Summary) -> list[tuple[str, str]]:
    """Return how many arrivals there were, and what came of them."""
    counts = summary.counts
    outcomes = (f"{name} {count:,}" for name, count in sorted(counts.by_outcome.items(), key=lambda item: -item[1]))
    arrivals = (
        f"offered {counts.offered:,} = started {counts.started:,} + dropped {counts.dropped:,} + lost {counts.lost:,}"
    )
    return [("arrivals", arrivals), ("outcomes", " · ".join(outcomes) or "none")]


def _any_latency(summary: Summary) -> bool:
    return any(getattr(summary.metrics, metric.name) is not None for metric in shown_in(Output.TABLES))


def _latencies(summary: Summary, about: str) -> RenderableType:
    """Return the table for all requests, and for each target and scenario if there are several."""
    rows = [row for name, metrics in groups(summary) for row in _metric_rows(name, metrics)]
    names = ("n", *(f"{about}{name}" for name in ("p50", "p90", "p99", "p99 interval", "max")))
    numbers = [Column(heading) for heading in names]
    columns = [Column("measured, ok", words=True, least=len("measured,"), most=18), Column("", words=True), *numbers]
    return FittingTable(columns, rows, optional=[names[place] for place in (2, 4, 5, 0)])


def groups(summary: Summary) -> Iterator[tuple[str, Metrics]]:
    """Yield the groups of tables: everything, and each target, key, tag and scenario if there are several."""
    yield "all", summary.metrics
    for named in (summary.by_target, summary.by_key, _by_tag(summary), summary.by_scenario):
        if len(named) > 1:
            yield from ((name, group.metrics) for name, group in named.items())


def _by_tag(summary: Summary) -> dict[str, Group]:
    return {f"{tag}={value}": group for tag, by_value in summary.by_tag.items() for value, group in by_value.items()}


def _metric_rows(name: str, metrics: Metrics) -> Iterator[tuple[str, ...]]:
    rows = list(metric_rows(metrics, Output.TABLES, (50.0, 90.0, 99.0), ends=True))
    return named_once(name, rows or [("nothing measured", *[""] * 6)])


def named_once(name: str, rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a group with its name before the first."""
    return ((name if not place else "", *row) for place, row in enumerate(rows))


def metric_rows(
    metrics: Metrics, shown: Output, percentiles: Sequence[float], *, ends: bool
) -> Iterator[tuple[str, ...]]:
    """Yield label, number, percentiles and maximum of each metric that was measured, and the ends of p99's interval.

    Below it may be a row of by how much the percentiles are too large.
    """
    for metric in shown_in(shown):
        found = metrics[metric.name]
        if found is not None:
            yield (metric.label, *_cells(found, percentiles, ends=ends))
            late = too_late(found, percentiles)
            if any(late):
                yield (TOO_LATE, "", *late, *[""] * ends, "")


def _cells(found: Distribution, percentiles: Sequence[float], *, ends: bool) -> Iterator[str]:
    by_p = {percentile.p: percentile for percentile in found.percentiles}
    yield f"{found.count:,}"
    yield from (quantity(by_p[p].value, found.unit) for p in percentiles)
    if ends:
        yield interval(by_p[99.0].low, by_p[99.0].high, found.unit)
    yield quantity(found.max, found.unit)


TOO_LATE = "too late by"


def too_late(distribution: Distribution, wanted: Sequence[float]) -> list[str]:
    """Return by how much these percentiles may be too large: `≤ 1.1ms`, or nothing if that is not more than 1 %."""
    by_p = {found.p: found for found in distribution.percentiles}
    return [
        f"≤ {quantity(by_p[p].too_late, distribution.unit)}"
        if by_p[p].too_late > _WORTH_TELLING * by_p[p].value
        else ""
        for p in wanted
    ]


def interval(low: float | None, high: float | None, unit: str) -> str:
    """Return `95.0–104ms`; an end that the sample does not bound is `…`."""
    if low is None and high is None:
        return DASH
    ends = ("…" if end is None else quantity(end, unit) for end in (low, high))
    return "–".join(ends)


def error_rows(summary: Summary) -> list[str]:
    """Return how many requests ended in each error, with its first message: `137 rate_limited (http_429): ...`."""
    return [
        f"{error.count:,} {error.outcome}"
        + (f" ({error.error})" if error.error else "")
        + (f": {error.relay_message}" if error.relay_message else "")
        for error in summary.errors
    ]


def render_remarks(summary: Summary, verdict: Verdict, screen: Screen = PLAIN) -> str:
    """Render what a verdict omits: errors, unless it is PASS, and warnings. May be empty."""
    errors = [] if verdict.verdict is Status.PASS else [Text(f"errors: {row}") for row in error_rows(summary)]
    warnings = warnings_besides(summary, verdict)
    parts = [*errors, *(Text(f"warning: {warning}", style="yellow") for warning in warnings)]
    return printed(parts, screen) if parts else ""


def _errors(summary: Summary) -> list[tuple[str, str]]:
    rows = error_rows(summary)
    return [("errors" if not position else "", row) for position, row in enumerate(rows)]


def rate_facts(summary: Summary) -> list[tuple[str, str]]:
    """Return the rates of the measured span, the most starts in a window, and the tokens."""
    rates, tokens = summary.rates, summary.tokens
    named = (("offered", rates.offered_per_s), ("started", rates.started_per_s), ("ok", rates.ok_per_s))
    parts = [f"{name} {quantity(rate, Unit.PER_SECOND)}" for name, rate in named if rate is not None]
    tokens_per_s = [f"{rates.output_tokens_per_s:,.0f} tokens/s"] if rates.output_tokens_per_s else []
    return [
        ("rates", " · ".join([*parts, *tokens_per_s]) or "no measured stage was reached"),
        *later_facts(rates),
        *_starts(rates),
        *_attempts(summary),
        ("tokens", f"{tokens.input:,} in · {tokens.output:,} out, of which {tokens.reasoning:,} reasoning"),
    ]


def _starts(rates: Rates) -> Iterator[tuple[str, str]]:
    if rates.max_in_1s is not None and rates.max_in_60s is not None:
        yield "starts", _at_most(rates.max_in_1s, rates.max_in_60s)


def _attempts(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield the most attempts on the wire, if there were retries."""
    in_1s, in_60s = summary.rates.max_attempts_in_1s, summary.rates.max_attempts_in_60s
    if summary.counts.retries and in_1s is not None and in_60s is not None:
        yield "attempts", f"{_at_most(in_1s, in_60s)}, retries included"


def _at_most(in_1s: int, in_60s: int) -> str:
    return f"at most {in_1s:,} in any second, {in_60s:,} in any minute"


def generator_facts(summary: Summary) -> list[tuple[str, str]]:
    """Return how the generator fared, and why its numbers can't be trusted."""
    health = summary.generator
    parts = [f"late p99 {format_duration(health.late_p99_s)}"] if health.late_p99_s else []  # 0: nothing was due
    parts += [f"loop p99 {format_duration(health.loop_lag_p99_s)}"] if health.loop_lag_p99_s is not None else []
    parts += [f"CPU {share(health.cpu_share)}"] if health.cpu_share is not None else []
    parts += [f"GC at most {format_duration(health.gc_pause_max_s)}"] if health.gc_pause_max_s else []
    parts += [f"clocks within {format_duration(health.clock_error_s)}"] if health.clock_error_s else []
    parts += [_open_files(health)] if health.open_files_max is not None else []
    parts += [f"{health.timestamps} timestamps"] if health.timestamps else []
    late = too_late(summary.metrics.ttft, [99.0]) if summary.metrics.ttft is not None else [""]
    parts += [f"TTFT p99 {late[0]} too late"] if late[0] else []
    return [("generator", " · ".join(parts) or "told nothing")] + [("", reason) for reason in health.reasons]


def _open_files(health: GeneratorHealth) -> str:
    most = f"{health.open_files_max:,} files"
    return f"{most} of {health.open_files_limit:,}" if health.open_files_limit is not None else most


def objectives_table(results: Sequence[ObjectiveResult]) -> RenderableType:
    """Return the objectives with what was observed of each."""
    heading = interval_heading(results)
    columns = [Column("", words=True), Column("objective", words=True, least=12)]
    columns += [Column(name) for name in ("observed", heading, COUNTED)]
    rows = [(_mark(result), condition(result), *observations(result)) for result in results]
    legend = {COUNTED: COUNTED_LEGEND}
    legend |= {"": OBSERVED_LEGEND} if any(result.proven is False for result in results) else {}
    return FittingTable(columns, rows, optional=(COUNTED, heading), legend=legend)


def _mark(result: ObjectiveResult) -> Text:
    if result.warns:
        return _WARNING
    return Text(f"{mark_of(result)} {certainty(result)}".rstrip(), style=STYLES[result.verdict])


def mark_of(result: ObjectiveResult) -> str:
    """Return the mark of what came of an objective, which tells a proven pass from one that was only observed."""
    return _MET if result.proven is False else MARKS.get(result.verdict, "!")


def certainty(result: ObjectiveResult) -> str:
    """Return whether a pass is proven or was only observed; empty where that is no question."""
    return "" if result.proven is None else PROVEN if result.proven else OBSERVED


def legends(results: Sequence[ObjectiveResult]) -> list[str]:
    """Return what explains the rows of objectives."""
    return [COUNTED_LEGEND, *([OBSERVED_LEGEND] if any(result.proven is False for result in results) else [])]


def observations(result: ObjectiveResult) -> tuple[str, str, str]:
    """Return what was observed, its interval, and the k of n."""
    return observed(result), ends_of(result), counted(result)


def ends_of(result: ObjectiveResult) -> str:
    """Return the interval of what was observed, or that it can't be told. Extremes are of this run alone."""
    untold = result.low is None and result.high is None and result.observed is not None
    correlated = result.effective_n < result.n if result.k is None else 0 < (result.budget or 0.0) < 1
    if untold and correlated and result.n >= FEWEST:
        return "too correlated to tell"
    return interval(result.low, result.high, result.unit)


def condition(result: ObjectiveResult) -> str:
    """Return the id, and the condition unless the id begins with it: `fuse: errors.rate < 1% over 30s`."""
    if result.id.startswith(result.expr):
        return result.id
    windows = result.windows
    over = f" over {format_duration(windows.over_s)}" if windows else ""
    return f"{result.id}: {result.expr}{over}"


def interval_heading(results: Sequence[ObjectiveResult]) -> str:
    """Return the heading for intervals, with their confidence if it is the same for all."""
    kinds = {result.confidence for result in results}
    return f"{share(kinds.pop())} interval" if len(kinds) == 1 else "interval"


def counted(result: ObjectiveResult) -> str:
    """Return `7 of 970 ≈ 240`: how many broke the limit, and how many independent samples all are worth."""
    count = f"{result.n:,}" if result.k is None else f"{result.k:,} of {result.n:,}"
    return count if result.effective_n == result.n else f"{count} ≈ {result.effective_n:,}"


def observed(result: ObjectiveResult) -> str:
    """Return what was observed: a quantity, `∞` if no answer came, or a dash if nothing was measured."""
    if result.observed is not None:
        return quantity(result.observed, result.unit)
    return "∞" if result.n else DASH


def conclusion(verdict: Verdict) -> Text:
    """Return the verdict and the tally of objectives: `FAIL (1 of 3 failed)`."""
    failed = f"; {failed_all_the_same(verdict)}" if verdict.failed else ""
    return Text.assemble((verdict.verdict.value, f"bold {STYLES[verdict.verdict]}"), f"{failed} ({tallied(verdict)})")


def failed_all_the_same(verdict: Verdict) -> str:
    """Return which objectives of an INVALID run failed for certain; empty if none did."""
    return f"{', '.join(verdict.failed)} failed all the same" if verdict.failed else ""


def tallied(verdict: Verdict) -> str:
    """Return `3 of 3` or `1 of 3 failed, 1 inconclusive`, with objectives that only warn counted apart."""
    if not verdict.objectives:
        return NO_OBJECTIVES
    words = [result.verdict for result in verdict.objectives if result.counts]
    warnings = sum(result.warns for result in verdict.objectives)
    missed = [(words.count(word), name) for word, name in _MISSED if word in words]
    parts = [f"{count}{f' of {len(words)}' if not place else ''} {name}" for place, (count, name) in enumerate(missed)]
    if words and not missed:
        parts = [f"{len(words)} of {len(words)}{'' if verdict.verdict is Status.PASS else ' met'}"]
    parts += [f"{warnings} warning{'s' if warnings != 1 else ''}"] if warnings else []
    return ", ".join(parts) or "no warnings"
