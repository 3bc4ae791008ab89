"""A summary and a verdict as text for people, 80 columns wide."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from relayload.core.results.sample import Distribution
from relayload.core.results.summary import GeneratorHealth, Metrics, Summary
from relayload.core.units import format_duration
from relayload.core.verdict.catalog import Unit
from relayload.core.verdict.gate import NOTHING_JUDGED, Verdict
from relayload.core.verdict.judgement import Judgement
from relayload.core.verdict.stats import Word
from relayload.core.verdict.wording import quantity, share
from relayload.report.batch import batch_facts
from relayload.report.client import client_facts
from relayload.report.cost import cost_facts
from relayload.report.printing import printed
from relayload.report.side_by_side import side_by_side_parts
from relayload.report.targets import target_facts

MARKS = {Word.PASS: "✓", Word.FAIL: "✗", Word.INCONCLUSIVE: "?"}
STYLES = {
    Word.PASS: "green",
    Word.FAIL: "red",
    Word.INCONCLUSIVE: "yellow",
    Word.INVALID: "magenta",
    Word.STOPPED: "magenta",
}
_WARNING = Text("!", style="yellow")
_SHOWN_METRICS = (("latency", "latency"), ("ttft", "TTFT"), ("tpot", "TPOT"))
_DASH = "–"


def render_summary(summary: Summary, *, color: bool = False) -> str:
    """Counts, latencies by scenario, errors, rates and the state of the generator."""
    parts = [
        Text(_title(summary), style="bold"),
        Text(),
        *_facts([*batch_facts(summary.batch), *_counts(summary)]),
        Text(),
        _latencies(summary),
    ]
    facts = [*_errors(summary), *client_facts(summary), *_rates(summary), *cost_facts(summary.cost)]
    facts += target_facts(summary)
    parts += [Text(), *_facts([*facts, *_generator(summary)])]
    if summary.comparison is not None:
        parts += [Text(), *side_by_side_parts(summary.comparison)]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in summary.warnings]
    return printed(parts, color=color)


def render_verdict(verdict: Verdict, *, color: bool = False) -> str:
    """Each objective with what was observed, and the verdict of the run."""
    parts: list[RenderableType] = [_objectives(verdict.objectives), Text()] if verdict.objectives else []
    reasons = [f"{judgement.id}: {judgement.reason}" for judgement in verdict.objectives if judgement.reason]
    parts += [*map(Text, reasons), Text()] if reasons else []
    parts += [_conclusion(verdict), *(Padding(Text(reason), (0, 0, 0, 2)) for reason in verdict.reasons)]
    return printed(parts, color=color)


def _title(summary: Summary) -> str:
    workers = f"{summary.workers} worker{'s' if summary.workers != 1 else ''}"
    return f"{summary.profile.name} · {format_duration(summary.duration_s)} · {workers} · {summary.run_id}"


def _facts(rows: Iterable[tuple[str, str]]) -> Iterator[RenderableType]:
    """Names on the left, what there is to say of them on the right."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", width=9)
    table.add_column()
    for name, text in rows:
        table.add_row(name, text)
    yield table


def _counts(summary: Summary) -> list[tuple[str, str]]:
    counts = summary.counts
    outcomes = (f"{name} {count:,}" for name, count in sorted(counts.by_outcome.items(), key=lambda item: -item[1]))
    arrivals = (
        f"offered {counts.offered:,} = started {counts.started:,} + dropped {counts.dropped:,} + lost {counts.lost:,}"
    )
    return [("arrivals", arrivals), ("outcomes", " · ".join(outcomes) or "none")]


def _latencies(summary: Summary) -> RenderableType:
    """Of all, and of each target and scenario where there are several."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("measured, ok", max_width=18, overflow="ellipsis", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("n", "p50", "p90", "p99", "p99 interval", "max"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, metrics in groups(summary):
        for row in _metric_rows(name, metrics):
            table.add_row(*row)
    return table


def groups(summary: Summary) -> Iterator[tuple[str, Metrics]]:
    """What tables tell apart, with its name: everything, and each target and scenario where there are several."""
    yield "all", summary.metrics
    for named in (summary.by_target, summary.by_scenario):
        if len(named) > 1:
            yield from ((name, group.metrics) for name, group in named.items())


def _metric_rows(name: str, metrics: Metrics) -> Iterator[tuple[str, ...]]:
    for field, heading in _SHOWN_METRICS:
        distribution: Distribution | None = getattr(metrics, field)
        if distribution is not None:
            yield (name, heading, *_cells(distribution))
            name = ""
    if name:
        yield (name, "nothing measured")


def _cells(distribution: Distribution) -> tuple[str, ...]:
    by_p = {percentile.p: percentile for percentile in distribution.percentiles}
    p99 = by_p[99.0]
    return (
        f"{distribution.count:,}",
        *(format_duration(by_p[p].value) for p in (50.0, 90.0, 99.0)),
        interval(p99.low, p99.high, Unit.SECONDS),
        format_duration(distribution.max),
    )


def interval(low: float | None, high: float | None, unit: str) -> str:
    """`95.0–104ms`; an end that the sample does not bound is left open."""
    if low is None and high is None:
        return _DASH
    ends = ("…" if end is None else quantity(end, unit) for end in (low, high))
    return "–".join(ends)


def error_rows(summary: Summary) -> list[str]:
    """`137 rate_limited (http_429): Rate limit reached for o3`: how many requests ended so, and what was said first."""
    return [
        f"{error.count:,} {error.outcome}"
        + (f" ({error.error})" if error.error else "")
        + (f": {error.said}" if error.said else "")
        for error in summary.errors
    ]


def render_remarks(summary: Summary, verdict: Verdict) -> str:
    """What a verdict alone does not tell: what went wrong, where it is no PASS, and what to mind. Perhaps nothing."""
    errors = [] if verdict.verdict is Word.PASS else [Text(f"errors: {row}") for row in error_rows(summary)]
    parts = [*errors, *(Text(f"warning: {warning}", style="yellow") for warning in summary.warnings)]
    return printed(parts) if parts else ""


def _errors(summary: Summary) -> list[tuple[str, str]]:
    rows = error_rows(summary)
    return [("errors" if not position else "", row) for position, row in enumerate(rows)]


def _rates(summary: Summary) -> list[tuple[str, str]]:
    rates, tokens = summary.rates, summary.tokens
    named = (("offered", rates.offered_per_s), ("started", rates.started_per_s), ("ok", rates.ok_per_s))
    parts = [f"{name} {quantity(rate, Unit.PER_SECOND)}" for name, rate in named if rate is not None]
    spoken = [f"{rates.output_tokens_per_s:,.0f} tokens/s"] if rates.output_tokens_per_s else []
    return [
        ("rates", " · ".join([*parts, *spoken]) or "no measured stage was reached"),
        ("starts", f"at most {rates.max_in_1s:,} in any second, {rates.max_in_60s:,} in any minute"),
        ("tokens", f"{tokens.input:,} in · {tokens.output:,} out, of which {tokens.reasoning:,} reasoning"),
    ]


def _generator(summary: Summary) -> list[tuple[str, str]]:
    health = summary.generator
    parts = [f"late p99 {format_duration(health.late_p99_s)}"] if health.late_p99_s is not None else []
    parts += [f"loop p99 {format_duration(health.loop_lag_p99_s)}"] if health.loop_lag_p99_s is not None else []
    parts += [f"CPU {share(health.cpu_share)}"] if health.cpu_share is not None else []
    parts += [f"GC at most {format_duration(health.gc_pause_max_s)}"] if health.gc_pause_max_s else []
    parts += [_open_files(health)] if health.open_files_max is not None else []
    parts += [f"{health.timestamps} timestamps"] if health.timestamps else []
    return [("generator", " · ".join(parts) or "told nothing")] + [("", reason) for reason in health.reasons]


def _open_files(health: GeneratorHealth) -> str:
    most = f"{health.open_files_max:,} files"
    return f"{most} of {health.open_files_limit:,}" if health.open_files_limit is not None else most


def _objectives(judgements: Sequence[Judgement]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("objective", overflow="fold")
    for heading in ("observed", interval_heading(judgements), "k of n ≈ eff."):
        table.add_column(heading, justify="right", no_wrap=True)
    for judgement in judgements:
        mark = Text(MARKS[judgement.verdict], style=STYLES[judgement.verdict])
        warns = judgement.verdict is not Word.PASS and not judgement.counts
        table.add_row(_WARNING if warns else mark, asked(judgement), *_observations(judgement))
    return table


def _observations(judgement: Judgement) -> tuple[str, str, str]:
    return observed(judgement), interval(judgement.low, judgement.high, judgement.unit), counted(judgement)


def asked(judgement: Judgement) -> str:
    """What it is called, and what it asks if that does not say it: `fuse: errors.rate < 1% over 30s`."""
    if judgement.id.startswith(judgement.expr):
        return judgement.id
    windows = judgement.windows
    over = f" over {format_duration(windows.over_s)}" if windows else ""
    return f"{judgement.id}: {judgement.expr}{over}"


def interval_heading(judgements: Sequence[Judgement]) -> str:
    """What the intervals are, where all are alike."""
    kinds = {judgement.confidence for judgement in judgements}
    return f"{share(kinds.pop())} interval" if len(kinds) == 1 else "interval"


def counted(judgement: Judgement) -> str:
    """`7 of 970 ≈ 240`: how many were not within the limit, and how many independent ones tell as much."""
    count = f"{judgement.n:,}" if judgement.k is None else f"{judgement.k:,} of {judgement.n:,}"
    return count if judgement.effective_n == judgement.n else f"{count} ≈ {judgement.effective_n:,}"


def observed(judgement: Judgement) -> str:
    """What was observed: a quantity, `∞` where no answer came, a dash where nothing was measured."""
    if judgement.observed is not None:
        return quantity(judgement.observed, judgement.unit)
    return "∞" if judgement.n else _DASH


def _conclusion(verdict: Verdict) -> Text:
    words = [judgement.verdict for judgement in verdict.objectives if judgement.counts]
    warnings = sum(judgement.verdict is not Word.PASS for judgement in verdict.objectives if not judgement.counts)
    parts = [f"{words.count(word)} {word}" for word in MARKS if word in words]
    parts += [f"{warnings} warning{'s' if warnings != 1 else ''}"] if warnings else []
    counts = ", ".join(parts) or (NOTHING_JUDGED if not verdict.objectives else "no warnings")
    line = Text(verdict.verdict.value, style=f"bold {STYLES[verdict.verdict]}")
    return line.append(f"  {counts}", style="not bold default")
