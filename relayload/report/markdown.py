"""Renders a summary and a verdict as Markdown, for the step summary of GitHub Actions or a comment.

GitHub drops a step summary of more than 1 MiB entirely, so ours ends before 900 kB. A line says so if anything is left
out.
"""

import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import accumulate

from relayload.core.metrics.metric import Output
from relayload.core.metrics.side_by_side import SideBySide
from relayload.core.metrics.summary import Metrics, Summary
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.verdict import NO_OBJECTIVES, warnings_besides
from relayload.core.units import format_duration, format_usd
from relayload.report.audit_facts import audit_lines
from relayload.report.facts import batch_facts, later_facts
from relayload.report.not_run import NotRun
from relayload.report.objective_reasons import reasons_told
from relayload.report.side_by_side import headings, remarks, rows, title
from relayload.report.stages import HEADINGS, stage_rows
from relayload.report.text import (
    COUNTED,
    TOO_LATE,
    certainty,
    condition,
    failed_all_the_same,
    groups,
    interval_heading,
    legends,
    metric_rows,
    observations,
)

MOST_BYTES = 900_000
_MARKS = {
    Status.PASS: "✅",
    Status.FAIL: "❌",
    Status.INCONCLUSIVE: "❔",
    Status.INVALID: "🚫",
    Status.STOPPED: "🛑",
    Status.NOT_JUDGED: "⚪",
}
_MET = "☑️"
"""The mark of an objective that is met but not proven."""
_NOT_RUN = "🛑"
_WARNING = "⚠️"
_LEFT_OUT = "\n_More was left out here, so that this page is not dropped whole._\n"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def render_markdown(summary: Summary, verdict: Verdict, most_bytes: int = MOST_BYTES) -> str:
    """Render the verdict, then each objective, and the tables of the summary."""
    lines = [line for block in _blocks(summary, verdict) if block for line in (*block, "")]
    return _fitting(lines, most_bytes)


def render_markdown_not_run(not_run: NotRun, most_bytes: int = MOST_BYTES) -> str:
    """Render why there is no verdict."""
    faults = [f"- {escape(str(fault))}" for fault in not_run.faults]
    ended = f"exit code {not_run.exit_code}: nothing was judged"
    return _fitting([f"### {_NOT_RUN} {not_run.kind}: {escape(not_run.name)}", "", *faults, "", ended, ""], most_bytes)


def render_side_by_side_markdown(comparison: SideBySide) -> str:
    """Render the comparison of the targets of one run as a page of its own."""
    return "".join(f"{line}\n" for block in _side_by_side(comparison) if block for line in (*block, ""))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], text_columns: Container[int] = (0, 1)) -> list[str]:
    """Return the lines of a table. Columns are aligned right as numbers, except the text columns."""
    rule = ["---" if column in text_columns else "--:" for column in range(len(headings))]
    return [_row(headings), _row(rule), *map(_row, rows)]


def escape(text: str) -> str:
    """Return the text on one line, with special characters escaped."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _blocks(summary: Summary, verdict: Verdict) -> Iterator[list[str]]:
    yield [f"### {_MARKS[verdict.verdict]} {verdict.verdict.value}: {escape(summary.profile.name)}"]
    unjudged = [] if verdict.objectives else [NO_OBJECTIVES]
    failed = [failed_all_the_same(verdict)] if verdict.failed else []
    yield [f"- {escape(reason)}" for reason in (*failed, *unjudged, *verdict.reasons)]
    yield from objective_blocks(verdict.objectives)
    yield [escape(text) for _, text in batch_facts(summary.batch)]
    yield [_counts(summary)]
    yield _latencies(summary)
    if len(summary.by_stage) > 1:
        yield table(HEADINGS, ([escape(name), *rest] for name, *rest in stage_rows(summary)), text_columns=(0,))
    if summary.errors:
        yield _errors(summary)
    if summary.comparison is not None:
        yield from _side_by_side(summary.comparison)
    yield [f"- {escape(line)}" for line in audit_lines(summary.audit)]
    yield [f"- warning: {escape(warning)}" for warning in warnings_besides(summary, verdict)]
    yield [f"run {escape(summary.run_id)}, {format_duration(summary.duration_s)}, started {escape(summary.started_at)}"]


def objective_blocks(results: Sequence[ObjectiveResult]) -> Iterator[list[str]]:
    """Yield the table of objectives, its legend, and the reasons; nothing without objectives."""
    if results:
        headings = ("", "objective", "observed", interval_heading(results), COUNTED)
        yield table(headings, map(_objective, results))
        yield [f"- {escape(line)}" for line in legends(results)]
    yield [f"- {escape(told)}" for told in reasons_told(results)]


def _objective(result: ObjectiveResult) -> Sequence[str]:
    return (
        _WARNING if result.warns else _mark(result),
        escape(condition(result)),
        *map(escape, observations(result)),
    )


def _mark(result: ObjectiveResult) -> str:
    mark = _MET if result.proven is False else _MARKS[result.verdict]
    return f"{mark} {certainty(result)}".rstrip()


def _counts(summary: Summary) -> str:
    counts, rates = summary.counts, summary.rates
    parts = [
        f"offered {counts.offered:,} = started {counts.started:,} + dropped {counts.dropped:,} + lost {counts.lost:,}",
        *(f"{escape(name)} {count:,}" for name, count in counts.by_outcome.items()),
        *([f"{quantity(rates.ok_per_s, '/s')} ok"] if rates.ok_per_s is not None else []),
        *([format_usd(summary.cost.usd)] if summary.cost.usd is not None and summary.cost.by_model else []),
        *(text for _, text in later_facts(rates)),
    ]
    return " · ".join(parts)


def _latencies(summary: Summary) -> list[str]:
    """Return the table for all requests, and for each target and scenario if there are several."""
    rows = [row for name, metrics in groups(summary) for row in _metric_rows(name, metrics)]
    return table(("measured, ok", "", "n", "p50", "p90", "p95", "p99", "max"), rows) if rows else []


def _metric_rows(name: str, metrics: Metrics) -> Iterator[Sequence[str]]:
    for row in metric_rows(metrics, Output.MARKDOWN, (50.0, 90.0, 95.0, 99.0), ends=False):
        yield ("" if row[0] == TOO_LATE else escape(name), *row)


def _errors(summary: Summary) -> list[str]:
    rows = (
        (escape(error.outcome), escape(error.error or ""), f"{error.count:,}", escape(error.relay_message or ""))
        for error in summary.errors
    )
    return table(("errors", "", "count", "as the relay put it first"), rows, text_columns=(0, 1, 3))


def _side_by_side(comparison: SideBySide) -> Iterator[list[str]]:
    """Yield a table for each target, with what it adds to the first."""
    for beside in comparison.targets:
        yield [f"#### {escape(title(comparison, beside))}"]
        if beside.pairs:
            yield table([escape(heading) for heading in headings(comparison, beside)], rows(beside))
        yield [f"- {escape(remark)}" for remark in remarks(comparison, beside)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fitting(lines: Sequence[str], most_bytes: int) -> str:
    """Join as many whole lines as fit, and a remark if there are more."""
    room = most_bytes - len(_LEFT_OUT.encode())
    ends = list(accumulate(len(line.encode()) + 1 for line in lines))
    fitting = bisect_right(ends, room)
    text = "".join(f"{line}\n" for line in lines[:fitting])
    return text if fitting == len(lines) else text + _LEFT_OUT
