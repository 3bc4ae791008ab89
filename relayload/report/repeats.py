"""Renders the runs of one profile as a table."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from relayload.core.comparison.repeats import NUMBERS, Repeats, RunLine
from relayload.core.metrics.metric import Unit
from relayload.core.objectives.formatting import quantity
from relayload.core.units import format_duration
from relayload.report.fitting_table import Cell, Column, FittingTable
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.text import STYLES

HEADINGS = ("run", "verdict", "TTFT p50", "TTFT p99", "latency p50", "latency p99", "ok", "errors")
_WORDS = {"run": 6, "verdict": 12}
"""The least widths of columns of words; a verdict is never broken."""
_OPTIONAL = ("latency p50", "TTFT p50", "latency p99", "ok", "errors")
ENDS = ("median", "min", "max")


def render_repeats(repeats: Repeats, screen: Screen = PLAIN) -> str:
    """Render a row for each run, and their median, minimum and maximum."""
    if not repeats.runs:
        return ""
    parts: list[RenderableType] = [Text(title(repeats), style="bold"), _table(repeats)]
    parts += [Padding(Text(left_out(run)), (0, 0, 0, 2)) for run in repeats.runs if run.unfit is not None]
    return printed(parts, screen)


def title(repeats: Repeats) -> str:
    """Return how many runs there are, and where."""
    count = len(repeats.runs)
    return f"{count} run{'s' if count != 1 else ''} in {Path(repeats.runs[0].run_dir).parent}"


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
