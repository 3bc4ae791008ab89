"""Objectives over several runs, drawn and in tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from relayload.core.comparison.repeats import RunLine
from relayload.core.comparison.trends import Trend
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.formatting import quantity
from relayload.core.printable import one_line
from relayload.report.html.marks import Shape
from relayload.report.html.plot import Absent, Figure
from relayload.report.html.scatter import Level, Point, Scatter
from relayload.report.html.svg import tick_text
from relayload.report.html.tables import Cell, Table
from relayload.report.printing import DASH
from relayload.report.repeats import TREND_HEADINGS, run_name, trend_row
from relayload.report.text import condition, counted, ends_of, interval_heading, mark_of, observed

MOST_DRAWN = 20
"""The objectives with a chart, and a column in the table of all runs."""
_SHAPES = {Status.PASS: Shape.PASS, Status.FAIL: Shape.FAIL, Status.INCONCLUSIVE: Shape.UNDECIDED}
_NAMES = {Shape.PROVEN: "PASS proven", Shape.PASS: "PASS", Shape.FAIL: "FAIL", Shape.UNDECIDED: "INCONCLUSIVE"}
_LONGEST_NAME = 40
_MINUTES, _DAY = slice(0, 16), slice(0, 10)


@dataclass(frozen=True, slots=True)
class Marked:
    """The runs that are shown, and how they are named."""

    runs: Sequence[RunLine]
    first: int
    """The number of the first of them."""
    links: Sequence[Cell]

    def when(self, number: float) -> str:
        """Return the day on which a run began, or its time if all began on that day."""
        days = {run.started_at[_DAY] for run in self.runs}
        started_at = self.runs[round(number) - self.first].started_at
        return began_at(started_at).split()[-1] if len(days) == 1 else started_at[5:10]


def short_name(run: RunLine) -> str:
    """Return the name of a run for a mark, of which there are many."""
    return one_line(run_name(run), _LONGEST_NAME)


def began(run: RunLine) -> str:
    """Return when a run began, to the minute."""
    return began_at(run.started_at)


def began_at(started_at: str) -> str:
    """Return an instant to the minute; a dash for none."""
    return started_at[_MINUTES].replace("T", " ") or DASH


def trend_table(found: Sequence[Trend]) -> Table:
    """Return a row for each objective."""
    rows = list(map(trend_row, found))
    return Table("Objectives", TREND_HEADINGS, rows, frozenset((0, len(TREND_HEADINGS) - 1)))


def observation_table(found: Sequence[Trend], marked: Marked) -> Table:
    """Return a row for each run: the mark of each objective, what was observed, and its interval."""
    known = [result for trend in found for result in trend.known]
    headings = ("run", "began", *(condition(trend.known[-1]) for trend in found))
    rows = [
        (link, began(run), *(_observation(trend.results[place]) for trend in found))
        for place, (run, link) in enumerate(zip(marked.runs, marked.links, strict=True))
    ]
    note = f"what was observed, and the {interval_heading(known)}"
    return Table("Objectives of each run", headings, rows if found else [], frozenset((0,)), note)


def _observation(result: ObjectiveResult | None) -> str:
    if result is None:
        return DASH
    ends = ends_of(result)
    return f"{mark_of(result)} {observed(result)}{'' if ends == DASH else f' ({ends})'}"


def trend_charts(found: Sequence[Trend], marked: Marked) -> Iterator[Figure | Absent]:
    """Yield a chart for each objective: what was observed in each run with its interval, and the limit."""
    for trend in found:
        last = trend.known[-1]
        yield Scatter(
            condition(last),
            f"observed with its {interval_heading(trend.known)}, by run, the oldest first",
            [
                _point(number, run, result)
                for number, (run, result) in enumerate(zip(marked.runs, trend.results, strict=True), marked.first)
                if result is not None and result.observed is not None
            ],
            marked.when,
            partial(tick_text, unit=last.unit),
            ("observed", "interval", "k of n ≈ eff."),
            across=[Level(f"limit {quantity(last.limit, last.unit)}", last.limit, "limit")],
            whole_x=True,
            names=_NAMES,
            absent="no run measured it",
        ).figure()


def _point(number: int, run: RunLine, result: ObjectiveResult) -> Point:
    assert result.observed is not None
    shape = Shape.PROVEN if result.proven else _SHAPES.get(result.verdict, Shape.PLAIN)
    low, high = (result.observed if end is None else end for end in (result.low, result.high))
    return Point(
        float(number),
        result.observed,
        shape,
        f"{short_name(run)}, {began(run)}, {result.verdict.value}",
        (observed(result), ends_of(result), counted(result)),
        ends=None if result.low is result.high is None else (low, high),
    )
