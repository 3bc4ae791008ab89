"""The page of several runs of one profile."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from markupsafe import Markup

from relayload.core.comparison.repeats import NUMBERS, Repeats, RunLine
from relayload.core.comparison.trends import trends
from relayload.core.metrics.metric import Unit
from relayload.core.model.verdict import Status
from relayload.report.html.marks import Shape, sign_of, status_class
from relayload.report.html.plot import Absent, Figure, bins_block
from relayload.report.html.scatter import Level, Point, Scatter
from relayload.report.html.shell import rendered
from relayload.report.html.svg import element, tick_text
from relayload.report.html.tables import Table
from relayload.report.html.trend_charts import (
    MOST_DRAWN,
    Marked,
    began,
    observation_table,
    short_name,
    trend_charts,
    trend_table,
)
from relayload.report.repeats import ENDS, HEADINGS, left_out, number_cells, number_text, run_name, title

_MOST_RUNS = 100
_SHAPES = {
    Status.PASS: Shape.PASS,
    Status.FAIL: Shape.FAIL,
    Status.INCONCLUSIVE: Shape.UNDECIDED,
    Status.NOT_JUDGED: Shape.PLAIN,
}
_NAMES = {
    **{shape: status.value for status, shape in _SHAPES.items()},
    Shape.VOID: "left out of the median",
}
_ORDER = (Status.STOPPED, Status.FAIL, Status.INVALID, Status.INCONCLUSIVE, Status.PASS, Status.NOT_JUDGED)


@dataclass(frozen=True, slots=True)
class RepeatsPage:
    """What the page of several runs is made of."""

    repeats: Repeats
    links: Mapping[str, str] = field(default_factory=dict)
    """The addresses of the pages of runs, by their directories."""
    warnings: Sequence[str] = ()


def render_repeats_page(page: RepeatsPage) -> str:
    """Return the page as HTML. There is one run at least."""
    repeats = page.repeats
    runs = repeats.runs[-_MOST_RUNS:]
    marked = Marked(runs, len(repeats.runs) - len(runs) + 1, [_linked(run, page.links) for run in runs])
    found = trends(runs)
    worst = min((run.verdict.verdict for run in repeats.runs), key=_ORDER.index)
    context = {
        "title": f"{worst.value}: {title(repeats)}",
        "heading": title(repeats),
        "status": worst.value,
        "status_class": status_class(worst),
        "sign": sign_of(worst),
        "tally": _tally(repeats),
        "exit_code": repeats.exit_code,
        "warnings": page.warnings,
        "spread": _spread_table(repeats),
        "runs": _run_table(repeats, runs, page.links),
        "left_out": [left_out(run) for run in runs if run.unfit is not None],
        "trends": trend_table(trends(repeats.runs)),
        "trend_charts": list(trend_charts(found[:MOST_DRAWN], marked)),
        "observations": observation_table(found[:MOST_DRAWN], marked),
        "charts": list(_charts(repeats, runs, marked)),
        "bins": bins_block(),
    }
    return rendered("repeats_page.html.j2", context)


def _tally(repeats: Repeats) -> str:
    """Return how many runs came to each verdict."""
    verdicts = [run.verdict.verdict for run in repeats.runs]
    return ", ".join(f"{verdicts.count(status):,} {status.value}" for status in _ORDER if status in verdicts)


def _run_table(repeats: Repeats, runs: Sequence[RunLine], links: Mapping[str, str]) -> Table:
    rows = [
        (
            _linked(run, links),
            began(run),
            f"{sign_of(run.verdict.verdict)} {run.verdict.verdict.value}",
            *number_cells({name: getattr(run, name) for name in NUMBERS}),
        )
        for run in runs
    ]
    left = len(repeats.runs) - len(runs)
    headings = (HEADINGS[0], "began", *HEADINGS[1:])
    return Table("Each run", headings, rows, frozenset((0, 2)), f"the first {left:,} are not shown" if left else "")


def _spread_table(repeats: Repeats) -> Table:
    rows = [
        (end, *number_cells({name: getattr(spread, end) for name, spread in repeats.spread.items()})) for end in ENDS
    ]
    fit = sum(run.unfit is None for run in repeats.runs)
    return Table(f"Over {fit:,} comparable runs", ("", *HEADINGS[2:]), rows if repeats.spread else [])


def _linked(run: RunLine, links: Mapping[str, str]) -> str | Markup:
    link = links.get(run.run_dir)
    return run_name(run) if link is None else element("a", run_name(run), href=link)


def _charts(repeats: Repeats, runs: Sequence[RunLine], marked: Marked) -> Iterator[Figure | Absent]:
    """Yield a chart for each number: the runs in their order, with their median."""
    for name, heading in zip(NUMBERS, HEADINGS[2:], strict=True):
        spread = repeats.spread.get(name)
        median = [] if spread is None else [Level(f"median {number_text(name, spread.median)}", spread.median, "plain")]
        yield Scatter(
            heading,
            "by run, the oldest first",
            [
                Point(
                    float(number), value, _shape(run), f"{short_name(run)}, {run.verdict.verdict.value}",
                    (number_text(name, value),),
                )
                for number, run in enumerate(runs, marked.first)
                if (value := getattr(run, name)) is not None
            ],
            marked.when,
            partial(_tick, name),
            (heading,),
            across=median,
            whole_x=True,
            names=_NAMES,
            absent="no run measured it",
        ).figure()  # fmt: skip


def _tick(name: str, value: float) -> str:
    """Return a round value beside the axis; nothing for a part of an error."""
    if name.endswith("_s"):
        return tick_text(value, Unit.PER_SECOND if name.endswith("_per_s") else Unit.SECONDS)
    return number_text(name, value) if value == round(value) else ""


def _shape(run: RunLine) -> Shape:
    return Shape.VOID if run.unfit is not None else _SHAPES[run.verdict.verdict]
