"""The page of a measurement of overhead."""

from collections.abc import Iterator

from relayload.core.exit_codes import ExitCode
from relayload.core.overhead.findings import Overhead, Phase, RelayAdds
from relayload.report.html.forest import Change, changes_drawn
from relayload.report.html.plot import bins_block
from relayload.report.html.shell import rendered
from relayload.report.html.tables import Table
from relayload.report.overhead import (
    HEADINGS,
    LABELS,
    METHOD,
    facts,
    lead,
    phase_title,
    remarks,
    rows,
    shown_ways,
    title,
    which,
)

_STOPPED = (ExitCode.GUARDRAIL, ExitCode.SIGINT, ExitCode.SIGTERM, ExitCode.SIGHUP)


def render_overhead_page(overhead: Overhead) -> str:
    """Return the page as HTML."""
    stopped = overhead.exit_code in _STOPPED
    context = {
        "title": title(overhead),
        "heading": [(name, text) for name, text in facts(overhead) if text],
        "status_class": "stopped" if stopped else "invalid" if overhead.doubts else "finding",
        "word": "INVALID" if overhead.doubts else "partial" if overhead.ended_by else "a finding, no verdict",
        "lead": lead(overhead),
        "exit_code": overhead.exit_code,
        "phases": [
            (phase.name, list(_tables(overhead, phase)), _ways(phase)) for phase in overhead.phases if phase.ways
        ],
        "method": METHOD,
        "bins": bins_block(),
    }
    return rendered("overhead_page.html.j2", context)


def _tables(overhead: Overhead, phase: Phase) -> Iterator[tuple[Table, list[str]]]:
    for adds in phase.relays:
        drawn = [each for name in _names(adds) for each in changes_drawn(_changes(adds, name))]
        cells = [(*row, drawing) for row, drawing in zip(rows(adds), drawn, strict=True)]
        headings = (*HEADINGS, "added, with its interval")
        words = frozenset((0, 1, len(HEADINGS) - 1, len(HEADINGS)))
        yield Table(phase_title(overhead, phase, adds), headings, cells, words), remarks(phase, adds)


def _names(adds: RelayAdds) -> list[str]:
    return [measure.name for measure in adds.measures]


def _changes(adds: RelayAdds, name: str) -> list[Change]:
    """Return the differences of one quantity, which share an axis."""
    return [
        Change(at.added, at.low, at.high, f"{LABELS[measure.name]} {which(at)}")
        for measure in adds.measures
        if measure.name == name
        for at in measure.percentiles
    ]


def _ways(phase: Phase) -> Table:
    headings, cells = shown_ways(phase)
    return Table(f"Each target, {phase.name}", tuple(headings), list(map(tuple, cells)), frozenset((0, 3)))
