"""The page of a comparison of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from statistics import median

from markupsafe import Markup

from relayload.core.comparison.compare import Comparison, Effect, Run, Side, worse_from
from relayload.core.comparison.measures import Measure
from relayload.core.objectives.formatting import share
from relayload.core.printable import one_line
from relayload.report.comparison import (
    HEADINGS,
    STAR_LEGEND,
    changed,
    effect_cells,
    measured,
    scope,
    sign,
    starred,
)
from relayload.report.html.forest import Change, Dot, changes_drawn, dots_drawn
from relayload.report.html.marks import sign_of, status_class
from relayload.report.html.plot import bins_block
from relayload.report.html.profile_text import profile_lines
from relayload.report.html.shell import rendered
from relayload.report.html.svg import element
from relayload.report.html.tables import Table

_LONGEST_NAME = 80
_MOST_LINES = 100
_MOST_MEASURES, _MOST_RUNS = 60, 200
_MOST_COLUMNS = 12
_MOST_DIFFERENCES = 400
_DRAWINGS = ("change, and what is tolerated", "runs")


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run that was compared."""

    side: Side
    name: str
    measures: Run
    link: str | None = None
    """The address of its page."""


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """What the page of a comparison is made of."""

    comparison: Comparison
    runs: Sequence[ComparedRun]
    profiles: tuple[str | None, str | None] = (None, None)
    """The effective profiles of the first run of each side, as YAML without keys."""


def render_comparison_page(page: ComparisonPage) -> str:
    """Return the page as HTML."""
    comparison = page.comparison
    effects = comparison.effects[:_MOST_MEASURES]
    context = {
        "title": f"{comparison.verdict.value}: {scope(comparison)}",
        "status": comparison.verdict.value,
        "status_class": status_class(comparison.verdict),
        "sign": sign_of(comparison.verdict),
        "scope": scope(comparison),
        "exit_code": comparison.exit_code,
        "reasons": _first(comparison.reasons),
        "warnings": _first(comparison.warnings),
        "effects": _effect_table(page, effects),
        "left_out": _left_out_table(comparison),
        "runs": _run_table(page, effects),
        "differences": _differences(*page.profiles),
        "profiles_known": None not in page.profiles,
        "bins": bins_block(),
    }
    return rendered("comparison_page.html.j2", context)


def _first(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"… and {left:,} more"] if left > 0 else [])]


def _effect_table(page: ComparisonPage, effects: Sequence[Effect]) -> Table:
    rows = [
        (f"{sign(effect)} {effect.verdict.value}", *effect_cells(effect), drawn, _dots(page.runs, effect))
        for effect, drawn in zip(effects, _changes(page, effects), strict=True)
    ]
    notes = [
        f"hatched: worse by more than {share(page.comparison.tolerance)}; of a share, of the base's share",
        "runs: base as circles above, new as diamonds below, with their medians",
        *([STAR_LEGEND] if any(map(starred, effects)) else []),
    ]
    left = len(page.comparison.effects) - len(effects)
    notes += [f"{left:,} more measures are left out here"] if left else []
    headings = ("verdict", *HEADINGS[1:], *_DRAWINGS)
    drawings = range(len(headings) - len(_DRAWINGS), len(headings))
    return Table("Change of each measure", headings, rows, frozenset((0, 1, *drawings)), "; ".join(notes))


def _changes(page: ComparisonPage, effects: Sequence[Effect]) -> list[Markup]:
    """Return the drawings of the changes: those in percent share an axis, and those in percentage points another."""
    drawn: dict[str, Markup] = {}
    for relative in (True, False):
        alike = [effect for effect in effects if effect.relative is relative]
        changes = [_change(page, effect) for effect in alike]
        drawn |= zip((effect.name for effect in alike), changes_drawn(changes), strict=True)
    return [drawn[effect.name] for effect in effects]


def _change(page: ComparisonPage, effect: Effect) -> Change:
    base = [run.measures[effect.name] for run in page.runs if run.side is Side.BASE]
    limit = worse_from(base, page.comparison.tolerance)
    ends = f"{changed(effect, effect.low)} to {changed(effect, effect.high)}"
    words = f"{effect.name} {changed(effect, effect.change)}, interval {ends}, worse from {changed(effect, limit)}"
    return Change(effect.change, effect.low, effect.high, words, limit)


def _dots(runs: Sequence[ComparedRun], effect: Effect) -> Markup:
    rows = []
    for side in Side:
        found = [(run.name, run.measures[effect.name]) for run in runs if run.side is side]
        dots = [Dot(one.value, f"{_value(one)} ({one_line(name, _LONGEST_NAME)})") for name, one in found[:_MOST_RUNS]]
        rows.append((side.value, dots, median(one.value for _, one in found) if found else None))
    return dots_drawn(rows, log=effect.relative)


def _value(measure: Measure) -> str:
    return measured(measure.value, measure.unit)


def _left_out_table(comparison: Comparison) -> Table:
    rows = [(run.side.value, run.run, run.why) for run in comparison.left_out]
    return Table("Left out", ("side", "run", "why"), rows[:_MOST_RUNS], frozenset((0, 1, 2)))


def _run_table(page: ComparisonPage, effects: Sequence[Effect]) -> Table:
    names = [effect.name for effect in effects[:_MOST_COLUMNS]]
    rows = [
        (run.side.value, _linked(run), *(_value(run.measures[name]) for name in names))
        for run in page.runs[:_MOST_RUNS]
    ]
    return Table("Values of each run", ("side", "run", *names), rows, frozenset((0, 1)))


def _linked(run: ComparedRun) -> str | Markup:
    return run.name if run.link is None else element("a", run.name, href=run.link)


def _differences(base: str | None, new: str | None) -> list[str]:
    """Return how the profiles differ, as a unified diff; empty if they do not, or are not known."""
    if base is None or new is None:
        return []
    lines = list(unified_diff(profile_lines(base), profile_lines(new), "base", "new", n=2, lineterm=""))
    left = len(lines) - _MOST_DIFFERENCES
    return [*lines[:_MOST_DIFFERENCES], *([f"… and {left:,} more lines"] if left > 0 else [])]
