"""The tables of a run, as cells of text that the formatting of every other report has made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from relayload.core.metrics.error_series import ErrorSeries
from relayload.core.metrics.lanes import Lane
from relayload.core.metrics.metric import Output, Unit
from relayload.core.metrics.summary import ErrorCount, Group, Metrics, PaidGroup, Summary
from relayload.core.objectives.formatting import quantity, share
from relayload.core.printable import one_line
from relayload.core.stats.sample import Distribution
from relayload.core.units import format_duration, format_usd
from relayload.report.html.lane_chart import lane_drawing
from relayload.report.html.scale import Log, value_scale
from relayload.report.html.svg import element, instant_text
from relayload.report.printing import DASH
from relayload.report.text import groups, metric_rows, named_once

MOST_DRAWN = 20
"""The rows of a table that are shown and drawn; the rest is folded away."""
MOST_ROWS = 800
"""The rows of all tables of groups together, so that the page stays small."""
_MOST_METRICS, _MOST_ERRORS = 300, 200
_LONGEST_NAME = 80
_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
_RANGE_WIDTH, _RANGE_HEIGHT = 120.0, 14.0

_ABOUT = "≈ "

Cell = str | Markup


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below headings."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    words: frozenset[int] = frozenset((0,))
    """The columns of words, which are aligned left; the others are numbers."""
    note: str = ""

    @property
    def first_rows(self) -> Sequence[tuple[Cell, ...]]:
        return self.rows[:MOST_DRAWN]

    @property
    def further_rows(self) -> Sequence[tuple[Cell, ...]]:
        return self.rows[MOST_DRAWN:]


def latency_table(summary: Summary, roughly: str = "") -> Table:
    """Return the percentiles of everything, and of each target, key, tag and scenario if there are several.

    `roughly` says why they are known to within 0.4 %, and has them marked; it is empty where they are exact.
    """
    about = _ABOUT if roughly else ""
    percentiles = (f"{about}p{p:g}" for p in _PERCENTILES)
    headings = ("measured, ok", "", "n", *percentiles, f"{about}p99 interval", f"{about}max")
    rows = [row for name, metrics in groups(summary) for row in _metric_rows(name, metrics)]
    return Table(
        "Percentiles",
        headings,
        rows[:_MOST_METRICS],
        frozenset((0, 1)),
        summary.scope.metrics + _more(rows, _MOST_METRICS) + (f"; ≈ to within 0.4 %, {roughly}" if roughly else ""),
    )


def _metric_rows(name: str, metrics: Metrics) -> Iterator[tuple[Cell, ...]]:
    return named_once(one_line(name, _LONGEST_NAME), metric_rows(metrics, Output.TABLES, _PERCENTILES, ends=True))


def group_tables(summary: Summary, roughly: str = "") -> list[Table]:
    """Return a table for each way in which the run is divided, of all groups as far as there is room.

    Percentiles are marked where something is `roughly` known.
    """
    divided: dict[str, Mapping[str, Group]] = {
        "Stages": summary.by_stage,
        "Scenarios": summary.by_scenario,
        "Models": summary.by_model,
        "Targets": summary.by_target,
        "Keys": summary.by_key,
        **{f"Tag {tag}": by_value for tag, by_value in summary.by_tag.items()},
    }
    room, tables = MOST_ROWS, []
    for title, named in divided.items():
        if named:
            tables.append(_group_table(title, named, room, _ABOUT if roughly else ""))
            room = max(0, room - len(named))
    return tables


def _group_table(title: str, named: Mapping[str, Group], room: int, about: str) -> Table:
    paid = all(isinstance(group, PaidGroup) for group in named.values())
    percentiles = (f"{name} {about}{p}" for name in ("TTFT", "latency") for p in ("p50", "p99"))
    headings = ("", "started", "failed", "ok/s", *percentiles, "p50 to p99")
    x = _range_scale(list(named.values())[:MOST_DRAWN])
    rows: list[tuple[Cell, ...]] = []
    for number, (name, group) in enumerate(named.items()):
        if number < room:
            drawn = _range(group.metrics.latency, x) if number < MOST_DRAWN else ""
            rows.append((*_group_cells(name, group), drawn, *(_paid_cells(group) if paid else ())))
    left = len(named) - len(rows)
    note = f"… and {left:,} more, which are in summary.json" if left else ""
    return Table(title, (*headings, *(("tokens in", "tokens out", "cost") if paid else ())), rows, note=note)


def _group_cells(name: str, group: Group) -> Iterator[str]:
    ttft, latency = group.metrics.ttft, group.metrics.latency
    yield one_line(name, _LONGEST_NAME) + (" (not measured)" if group.warmup else "")
    yield f"{group.started:,}"
    yield f"{group.failed:,}"
    yield DASH if group.ok_per_s is None else quantity(group.ok_per_s, Unit.PER_SECOND)
    yield from (_percentile(found, p) for found in (ttft, latency) for p in (50.0, 99.0))


def _paid_cells(group: Group) -> Iterator[str]:
    assert isinstance(group, PaidGroup)
    yield f"{group.tokens.input:,}"
    yield f"{group.tokens.output:,}"
    yield DASH if group.cost.usd is None or not group.cost.by_model else format_usd(group.cost.usd)


def _percentile(found: Distribution | None, p: float) -> str:
    value = _value(found, p)
    return DASH if value is None else quantity(value, Unit.SECONDS)


def _value(found: Distribution | None, p: float) -> float | None:
    return next((each.value for each in found.percentiles if each.p == p), None) if found else None


def _range_scale(drawn: Sequence[Group]) -> Log | None:
    ends = [_value(group.metrics.latency, p) for group in drawn for p in (50.0, 99.0)]
    x = value_scale([end for end in ends if end is not None], 4.0, _RANGE_WIDTH - 4, log=True)
    return x if isinstance(x, Log) else None


def _range(found: Distribution | None, x: Log | None) -> Cell:
    """Return a bar from the median to the 99th percentile; all rows of a table share a log scale."""
    low, high = _value(found, 50.0), _value(found, 99.0)
    if x is None or not low or not high:
        return DASH
    left, right, middle = x.at(low), x.at(high), _RANGE_HEIGHT / 2
    bar = element("rect", class_="interval", x=left, y=middle - 3, width=max(1.0, right - left), height=6.0, rx=3)
    dot = element("circle", class_="observed", cx=left, cy=middle, r=4)
    words = f"latency from {quantity(low, Unit.SECONDS)} to {quantity(high, Unit.SECONDS)}"
    return element(
        "svg",
        bar + dot,
        class_="range",
        viewBox=f"0 0 {_RANGE_WIDTH:g} {_RANGE_HEIGHT:g}",
        role="img",
        aria_label=words,
    )


def error_table(errors: Sequence[ErrorCount], series: Sequence[ErrorSeries], started: int) -> Table:
    """Return the failures by kind with when they came, as far as the records are there, and what the relay said."""
    when = {(each.outcome, each.error, each.status): each for each in series}
    rows = [_error_row(error, when.get((error.outcome, error.error, error.status)), started) for error in errors]
    headings = ("outcome", "error", "count", "of started", "first seen", "last seen", "what the relay said first")
    return Table("Errors", headings, rows[:_MOST_ERRORS], frozenset((0, 1, 6)), _more(rows, _MOST_ERRORS))


def _error_row(error: ErrorCount, when: ErrorSeries | None, started: int) -> tuple[Cell, ...]:
    return (
        error.outcome,
        one_line(error.error or DASH, _LONGEST_NAME),
        f"{error.count:,}",
        share(error.count / started) if started else DASH,
        DASH if when is None else instant_text(when.first_s),
        DASH if when is None else instant_text(when.last_s),
        error.relay_message or "nothing",
    )


def _more(rows: Sequence[object], most: int) -> str:
    left = len(rows) - most
    return f" … and {left:,} more rows, which are in summary.json" if left > 0 else ""


def lane_table(lanes: Sequence[Lane], note: str = "") -> Table:
    """Return the slowest requests, each with its lane."""
    longest_s = max((lane.record.latency_s for lane in lanes), default=0.0)
    traced = any(lane.record.trace_id for lane in lanes)
    rows = [_lane_row(lane, longest_s, traced=traced) for lane in lanes]
    first = ("request id", "trace id") if traced else ("request id",)
    headings = (*first, "due at", "scenario", "model", "outcome", "attempts", "latency", "what it waited for")
    texts = frozenset(headings) - {"due at", "attempts", "latency"}
    columns = frozenset(number for number, heading in enumerate(headings) if heading in texts)
    return Table("Slowest requests", headings, rows, columns, note)


def _lane_row(lane: Lane, longest_s: float, *, traced: bool) -> tuple[Cell, ...]:
    record = lane.record
    trace_id = (one_line(record.trace_id or "not sampled", _LONGEST_NAME),) if traced else ()
    return (
        one_line(lane.request_id or "none", _LONGEST_NAME),
        *trace_id,
        instant_text(record.intended_at_s),
        one_line(record.scenario, _LONGEST_NAME),
        one_line(record.model, _LONGEST_NAME),
        record.outcome.value,
        f"{len(record.attempts):,}",
        format_duration(record.latency_s),
        lane_drawing(lane, longest_s),
    )
