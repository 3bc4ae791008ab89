"""Renders a comparison as a table and as Markdown."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from relayload.core.comparison.compare import Comparison, Effect, Side
from relayload.core.objectives.formatting import quantity, share
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.markdown import escape
from relayload.report.markdown import table as markdown_table
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.text import MARKS, STYLES

_INTERVAL = "95% interval"
HEADINGS = ("", "measure", "base", "new", "change", _INTERVAL, "p")
STAR_LEGEND = "* from the requests of one run alone: another run would differ by more"
_LEAST_WIDTH = 18
"""The least width of a measure's name, however wide the other columns are."""


def render_comparison(comparison: Comparison, screen: Screen = PLAIN) -> str:
    """Render each measure with its change, and the verdict."""
    parts: list[RenderableType] = [_table(comparison.effects), Text()] if comparison.effects else []
    word = (comparison.verdict.value, f"bold {STYLES[comparison.verdict]}")
    parts.append(Text.assemble(word, f"  {scope(comparison)}"))
    parts += [Padding(Text(remark), (0, 0, 0, 2)) for remark in remarks(comparison)]
    return printed(parts, screen)


def render_comparison_markdown(comparison: Comparison) -> str:
    """Render the verdict, and then each measure with its change."""
    lines = [f"### {comparison.verdict.value}: {scope(comparison)}", ""]
    lines += [f"- {escape(remark)}" for remark in remarks(comparison)]
    if comparison.effects:
        rows = ([sign(effect), *map(escape, effect_cells(effect))] for effect in comparison.effects)
        lines += ["", *markdown_table(HEADINGS, rows)]
        lines += ["", escape(STAR_LEGEND)] if any(map(starred, comparison.effects)) else []
    return "\n".join(lines) + "\n"


def _table(effects: Sequence[Effect]) -> FittingTable:
    words = {"": 1, "measure": _LEAST_WIDTH}
    columns = [Column(heading, words=heading in words, least=words.get(heading, 0)) for heading in HEADINGS]
    rows = [[Text(sign(effect), style=STYLES[effect.verdict]), *map(Text, effect_cells(effect))] for effect in effects]
    legend = {_INTERVAL: STAR_LEGEND} if any(map(starred, effects)) else {}
    return FittingTable(columns, rows, optional=("p", "base", "new", _INTERVAL), gap=1, legend=legend)


def sign(effect: Effect) -> str:
    """Return the mark of the verdict on a measure."""
    return MARKS[effect.verdict]


def effect_cells(effect: Effect) -> list[str]:
    """Return a cell for each of the headings after the mark."""
    ends = (changed(effect, effect.low), changed(effect, effect.high))
    known = effect.low is not None or effect.high is not None
    return [
        effect.name,
        measured(effect.base, effect.unit),
        measured(effect.new, effect.unit),
        changed(effect, effect.change),
        f"{ends[0]} to {ends[1]}{' *' if starred(effect) else ''}" if known else DASH,
        DASH if effect.p is None else f"{effect.p:.3f}",
    ]


def starred(effect: Effect) -> bool:
    """Return whether its interval is of the requests of one run alone."""
    return not effect.between_runs and (effect.low, effect.high) != (None, None)


def measured(value: float, unit: str) -> str:
    """Return the value of a measure with its unit."""
    return f"${value:.3g}" if unit == "usd" else quantity(value, unit)


def changed(effect: Effect, change: float | None) -> str:
    """Return a change in percent, or in percentage points if the measure is a share."""
    if change is None:
        return "…"
    if effect.relative:
        return f"{change * 100:+.{1 if abs(change) < 1 else 0}f}%"
    return f"{'-' if change < 0 else '+'}{share(abs(change))[:-1]}pp"


def scope(comparison: Comparison) -> str:
    """Return how many runs were compared, and what is tolerated."""
    new, base = _given(comparison, Side.NEW, comparison.new_runs), _given(comparison, Side.BASE, comparison.base_runs)
    runs = "run" if comparison.base_runs == 1 else "runs"
    return f"{new} new against {base} base {runs}, {share(comparison.tolerance)} tolerated"


def _given(comparison: Comparison, side: Side, compared: int) -> str:
    """Return `6`, or `6 of 7` if one was left out."""
    left_out = comparison.left_out_of(side)
    return f"{compared} of {compared + left_out}" if left_out else f"{compared}"


def remarks(comparison: Comparison) -> list[str]:
    """Return the reasons, the runs left out, and the warnings."""
    left_out = [f"left out of {run.side}: {run.run}: {run.why}" for run in comparison.left_out]
    return [*comparison.reasons, *left_out, *(f"warning: {warning}" for warning in comparison.warnings)]
