"""Renders the runs of one profile as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from relayload.core.comparison.repeats import NUMBERS, Repeats, RunLine
from relayload.core.comparison.trends import Trend, trends
from relayload.core.metrics.metric import Unit
from relayload.core.objectives.formatting import quantity
from relayload.core.units import format_duration
from relayload.report.fitting_table import Cell, Column, FittingTable
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.text import STYLES, condition, mark_of, observed

HEADINGS = ("run", "verdict", "TTFT p50", "TTFT p99", "latency p50", "latency p99", "ok", "errors")
_WORDS = {"run": 6, "verdict": 12}
"""The least widths of columns of words; a verdict is never broken."""
_OPTIONAL = ("latency p50", "TTFT p50", "latency p99", "ok", "errors")
ENDS = ("median", "min", "max")
TREND_HEADINGS = ("objective", "passed", "first", "last", "lowest", "highest", "by run")
_TREND_WORDS = ("objective", "by run")
_MOST_MARKS = 30
"""The runs whose verdicts on an objective are shown."""


def render_repeats(repeats: Repeats, screen: Screen = PLAIN) -> str:
    """Render a row for each run, their median, minimum and maximum, and how each objective fared over them."""
    if not repeats.runs:
        return ""
    parts: list[RenderableType] = [Text(title(repeats), style="bold"), _table(repeats)]
    parts += [Padding(Text(left_out(run)), (0, 0, 0, 2)) for run in repeats.runs if run.unfit is not None]
    found = trends(repeats.runs)
    if len(repeats.runs) > 1 and found:
        parts += [Text(), _trend_table(found)]
    return printed(parts, screen)


def title(repeats: Repeats) -> str:
    """Return how many runs there are, and where, if they are in one directory."""
    count, parents = len(repeats.runs), {Path(run.run_dir).parent for run in repeats.runs}
    return f"{count} run{'s' if count != 1 else ''}{f' in {parents.pop()}' if len(parents) == 1 else ''}"


def _trend_table(found: Sequence[Trend]) -> FittingTable:
    """Return a row for each objective; the verdicts of the last runs are in the order of the runs."""
    columns = [Column(heading, words=heading in _TREND_WORDS, least=12) for heading in TREND_HEADINGS]
    return FittingTable(columns, list(map(trend_row, found)), optional=("lowest", "highest", "first"), gap=1)


def trend_row(trend: Trend) -> tuple[str, ...]:
    """Return a cell for each of `TREND_HEADINGS`."""
    return (
        condition(trend.known[-1]),
        f"{trend.passed} of {len(trend.known)}",
        observed(trend.known[0]),
        observed(trend.known[-1]),
        *(_quantity(end(trend.observed, default=None), trend) for end in (min, max)),
        "".join("·" if each is None else mark_of(each) for each in trend.results[-_MOST_MARKS:]),
    )


def _quantity(value: float | None, trend: Trend) -> str:
    return DASH if value is None else quantity(value, trend.known[-1].unit)


def _table(repeats: Repeats) -> FittingTable:
    rows: list[tuple[Cell, ...]] = []
    for run in repeats.runs:
        status = run.verdict.verdict
        numbers = {name: getattr(run, name) for name in NUMBERS}
        rows.append((run_name(run), Text(status.value, style=STYLES[status]), *number_cells(numbers)))
    for end in ENDS if repeats.spread else ():
        rows.append((end, "", *number_cells({name: getattr(spread, end) for name, spread in repeats.spread.items()})))
    columns = [Column(heading, words=heading in _WORDS, least=_WORDS.get(heading, 0)) for heading in HEADINGS]
    return FittingTable(columns, rows, optional=_OPTIONAL, gap=1)


def number_cells(numbers: Mapping[str, float | None]) -> list[str]:
    """Return a cell for each number."""
    return [number_text(name, numbers.get(name)) for name in NUMBERS]


def number_text(name: str, number: float | None) -> str:
    """Return a number of a run with its unit."""
    if number is None:
        return DASH
    if name.endswith("_per_s"):
        return quantity(number, Unit.PER_SECOND)
    return format_duration(number) if name.endswith("_s") else f"{number:,.6g}"


def run_name(run: RunLine) -> str:
    """Return the name of its directory."""
    return Path(run.run_dir).name


def left_out(run: RunLine) -> str:
    """Return why a run does not count in the spread."""
    return f"left out of median, min and max: {run_name(run)}: {run.unfit}"
