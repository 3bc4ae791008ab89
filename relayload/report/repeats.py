"""The runs of one profile beneath one another, as text for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from relayload.core.units import format_duration
from relayload.core.verdict.catalog import Unit
from relayload.core.verdict.repeats import NUMBERS, Repeats, RunLine
from relayload.core.verdict.wording import quantity
from relayload.report.printing import printed
from relayload.report.text import STYLES

_HEADINGS = ("run", "verdict", "TTFT p50", "TTFT p99", "latency p50", "latency p99", "ok", "errors")
_ENDS = ("median", "min", "max")
_DASH = "–"


def render_repeats(repeats: Repeats, *, color: bool = False) -> str:
    """A row for each run, and the median, the least and the most of them."""
    if not repeats.runs:
        return ""
    count = len(repeats.runs)
    title = f"{count} run{'s' if count != 1 else ''} in {Path(repeats.runs[0].run_dir).parent}"
    parts: list[RenderableType] = [Text(title, style="bold"), _table(repeats)]
    parts += [Padding(Text(_left_out(run)), (0, 0, 0, 2)) for run in repeats.runs if run.unfit is not None]
    return printed(parts, color=color)


def _table(repeats: Repeats) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    for heading in _HEADINGS:
        justify: Literal["left", "right"] = "left" if heading in ("run", "verdict") else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for run in repeats.runs:
        word = run.verdict.verdict
        numbers = {name: getattr(run, name) for name in NUMBERS}
        table.add_row(_name(run), Text(word.value, style=STYLES[word]), *_cells(numbers))
    for end in _ENDS if repeats.spread else ():
        table.add_row(end, "", *_cells({name: getattr(spread, end) for name, spread in repeats.spread.items()}))
    return table


def _cells(numbers: Mapping[str, float | None]) -> list[str]:
    return [_told(name, numbers.get(name)) for name in NUMBERS]


def _told(name: str, number: float | None) -> str:
    if number is None:
        return _DASH
    if name.endswith("_per_s"):
        return quantity(number, Unit.PER_SECOND)
    return format_duration(number) if name.endswith("_s") else f"{number:,.6g}"


def _name(run: RunLine) -> str:
    return Path(run.run_dir).name


def _left_out(run: RunLine) -> str:
    return f"left out of median, min and max: {_name(run)}: {run.unfit}"
