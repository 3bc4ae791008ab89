"""Renders the comparison of the targets of one run as text."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output
from relayload.core.metrics.side_by_side import AddedAt, Beside, SideBySide
from relayload.core.objectives.formatting import share
from relayload.core.units import format_duration, format_usd
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

_LONGEST_NAME = 16


def render_side_by_side(comparison: SideBySide, screen: Screen = PLAIN) -> str:
    """Render a table for each target except the first."""
    return printed(list(side_by_side_parts(comparison)), screen)


def side_by_side_parts(comparison: SideBySide) -> Iterator[RenderableType]:
    """Yield for each target what it adds to the first, and what it saves."""
    for beside in comparison.targets:
        yield Text(title(comparison, beside), style="bold")
        if beside.pairs:
            yield _table(comparison, beside)
        yield from map(Text, remarks(comparison, beside))


def title(comparison: SideBySide, beside: Beside) -> str:
    return f"{beside.target} against {comparison.base}: {beside.pairs:,} pairs, measured and ok at both"


def rows(beside: Beside) -> Iterator[list[str]]:
    """Yield rows of metric, percentile, value there, value here, the difference and its interval."""
    for name, percentiles in added(beside):
        for found in percentiles:
            yield [name, f"p{found.p:g}", *_cells(found)]
            name = ""


def remarks(comparison: SideBySide, beside: Beside) -> list[str]:
    """Return why percentiles have no interval, what only one target answered, and the cost."""
    alone = f"ok at {beside.target} alone {beside.ok_here_only:,}, at {comparison.base} alone {beside.ok_there_only:,}"
    lines = [*_without_interval(beside), *([alone] if beside.ok_here_only or beside.ok_there_only else [])]
    if beside.usd is not None and comparison.base_usd is not None and beside.saved_usd is not None:
        more = "saves" if beside.saved_usd >= 0 else "costs more by"
        part = "" if beside.saved_share is None else f" ({share(abs(float(beside.saved_share)))})"
        amounts = f"{comparison.base} {format_usd(comparison.base_usd)}, {beside.target} {format_usd(beside.usd)}"
        lines.append(f"cost: {amounts}: {more} {format_usd(abs(beside.saved_usd))}{part}")
    return lines


def added(beside: Beside) -> Iterator[tuple[str, tuple[AddedAt, ...]]]:
    """Yield the differences of each metric, by its label."""
    for metric in shown_in(Output.SIDE_BY_SIDE):
        yield metric.label, getattr(beside, metric.name)


def _without_interval(beside: Beside) -> Iterator[str]:
    """Yield a line for each metric without intervals, with the pairs that each percentile needs."""
    for name, percentiles in added(beside):
        missing = [found for found in percentiles if found.low is None and found.high is None]
        if missing:
            names = ", ".join(f"p{found.p:g}" for found in missing)
            yield f"no interval of {name} {names}: {_too_few(missing)}"


def _too_few(missing: Sequence[AddedAt]) -> str:
    needed = [f"p{found.p:g} needs about {found.pairs_needed:,}" for found in missing if found.pairs_needed]
    if not needed:
        return "too few pairs"
    fewest = min(missing, key=lambda found: found.effective_n)
    worth = "" if fewest.effective_n >= fewest.n else f", worth {fewest.effective_n:,} independent ones,"
    return f"{fewest.n:,} pairs{worth} are too few; {', '.join(needed)}"


def headings(comparison: SideBySide, beside: Beside) -> tuple[str, ...]:
    return ("", "", comparison.base, beside.target, "added", "95% interval")


def _table(comparison: SideBySide, beside: Beside) -> FittingTable:
    _, _, there, here, *rest = headings(comparison, beside)
    columns = [
        Column("", words=True),
        Column("", words=True),
        *(Column(name) for name in (_short(there), _short(here), *rest)),
    ]
    return FittingTable(columns, [*rows(beside)], optional=(_short(there), _short(here)))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _cells(found: AddedAt) -> list[str]:
    ends = [DASH if end is None else _signed(end) for end in (found.low, found.high)]
    interval = DASH if found.low is None and found.high is None else " to ".join(ends)
    return [format_duration(found.base), format_duration(found.new), _signed(found.added), interval]


def _signed(seconds: float) -> str:
    if not seconds:
        return "0s"
    return f"{'-' if seconds < 0 else '+'}{format_duration(abs(seconds))}"
