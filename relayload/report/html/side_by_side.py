"""Targets side by side: tables for the page of a run, and a page of their own."""

from collections.abc import Sequence

from relayload.core.metrics.side_by_side import Beside, SideBySide
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Status, Verdict
from relayload.report.html.forest import Change, changes_drawn
from relayload.report.html.marks import sign_of, status_class
from relayload.report.html.plot import bins_block
from relayload.report.html.shell import rendered
from relayload.report.html.tables import Table
from relayload.report.side_by_side import added, headings, remarks, rows, title

Compared = list[tuple[Table, list[str]]]


def render_targets_page(summary: Summary, comparison: SideBySide, verdict: Verdict) -> str:
    """Return the page of what each target of a run adds to the first."""
    invalid = verdict.verdict is Status.INVALID
    context = {
        "title": f"{summary.profile.name}: targets side by side",
        "name": summary.profile.name,
        "run": summary.run_id,
        "base": comparison.base,
        "invalid": invalid,
        "reasons": verdict.reasons[:_MOST_REASONS] if invalid else (),
        "status_class": status_class(verdict.verdict) if invalid else "finding",
        "sign": sign_of(verdict.verdict),
        "exit_code": verdict.exit_code if invalid else 0,
        "tables": side_by_side_tables(comparison),
        "bins": bins_block(),
    }
    return rendered("targets_page.html.j2", context)


_MOST_REASONS = 100


def side_by_side_tables(comparison: SideBySide | None) -> Compared:
    """Return for each target except the first a table of what it adds, and remarks."""
    return [
        (_table(comparison, beside), list(remarks(comparison, beside)))
        for beside in (() if comparison is None else comparison.targets)
        if comparison is not None
    ]


def _table(comparison: SideBySide, beside: Beside) -> Table:
    cells = [tuple(row) for row in rows(beside)]
    drawn = changes_drawn(_changes(beside))
    return Table(
        title(comparison, beside),
        (*headings(comparison, beside), "added, with its interval"),
        [(*row, drawing) for row, drawing in zip(cells, drawn, strict=True)],
        frozenset((0, 1, len(headings(comparison, beside)))),
    )


def _changes(beside: Beside) -> Sequence[Change]:
    return [
        Change(found.added, found.low, found.high, f"{name} p{found.p:g} {' '.join(cells[-2:])}")
        for (name, found), cells in zip(
            ((name, found) for name, percentiles in added(beside) for found in percentiles), rows(beside), strict=True
        )
    ]
