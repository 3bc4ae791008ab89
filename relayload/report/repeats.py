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
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.text import STYLES

_HEADINGS = ("run", "verdict", "TTFT p50", "TTFT p99", "latency p50", "latency p99", "ok", "errors")
_WORDS = {"run": 6, "verdict": 12}
"""The least widths of columns of words; a verdict is never broken."""
_OPTIONAL = ("latency p50", "TTFT p50", "latency p99", "ok", "errors")
_ENDS = ("median", "min", "max")
_DASH = "–"


def render_repeats(repeats: Repeats, screen: Screen = PLAIN) -> str:
    """Render a row for each run, and their median, minimum and maximum."""
    if not repeats.runs:
        return ""
    count = len(repeats.runs)
    title = f"{count} run{'s' if count != 1 else ''} in {Path(repeats.runs[0].run_dir).parent}"
    parts: list[RenderableType] = [Text(title, style="bold"), _table(repeats)]
    parts += [Padding(Text(_left_out(run)), (0, 0, 0, 2)) for run in repeats.runs if run.unfit is not None]
    return printed(parts, screen)


def _table(repeats: Repeats) -> FittingTable:
    rows: list[tuple[Cell, ...]] = []
    for run in repeats.runs:
        status = run.verdict.verdict
        numbers = {name: getattr(run, name) for name in NUMBERS}
        rows.append((_name(run), Text(status.value, style=STYLES[status]), *_cells(numbers)))
    for end in _ENDS if repeats.spread else ():
        rows.append((end, "", *_cells({name: getattr(spread, end) for name, spread in repeats.spread.items()})))
    columns = [Column(heading, words=heading in _WORDS, least=_WORDS.get(heading, 0)) for heading in _HEADINGS]
    return FittingTable(columns, rows, optional=_OPTIONAL, gap=1)


def _cells(numbers: Mapping[str, float | None]) -> list[str]:
    return [_cell(name, numbers.get(name)) for name in NUMBERS]


def _cell(name: str, number: float | None) -> str:
    if number is None:
        return _DASH
    if name.endswith("_per_s"):
        return quantity(number, Unit.PER_SECOND)
    return format_duration(number) if name.endswith("_s") else f"{number:,.6g}"


def _name(run: RunLine) -> str:
    return Path(run.run_dir).name


def _left_out(run: RunLine) -> str:
    return f"left out of median, min and max: {_name(run)}: {run.unfit}"
