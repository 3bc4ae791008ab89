"""The page of one run: `report.html`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.metrics.summary import Summary
from relayload.core.model.progress import ObjectiveSoFar
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.charts import Charts
from relayload.core.objectives.formatting import quantity, share
from relayload.core.objectives.run_so_far import NOT_YET
from relayload.core.objectives.verdict import NO_OBJECTIVES, warnings_besides
from relayload.core.units import format_duration
from relayload.report.audit_facts import audit_facts
from relayload.report.facts import Facts, batch_facts, client_facts, cost_facts, heading_facts, target_facts
from relayload.report.html.audit_page import audit_tables
from relayload.report.html.bullet import bullet
from relayload.report.html.lane_chart import phase_legend
from relayload.report.html.marks import sign_of, status_class
from relayload.report.html.plot import bins_block
from relayload.report.html.profile_caps import ProfileCaps
from relayload.report.html.profile_text import profile_lines
from relayload.report.html.run_charts import Drawn, RunCharts
from relayload.report.html.shell import rendered
from relayload.report.html.side_by_side import side_by_side_tables
from relayload.report.html.svg import instant_text
from relayload.report.html.tables import error_table, group_tables, lane_table, latency_table
from relayload.report.text import (
    certainty,
    condition,
    count_facts,
    counted,
    ends_of,
    failed_all_the_same,
    generator_facts,
    interval_heading,
    legends,
    mark_of,
    observed,
    rate_facts,
    tallied,
)

_MOST_OBJECTIVES = 200
_MOST_DRAWN = 30
"""The most objectives that are drawn over time."""
_MOST_LINES = 100
"""The most reasons and warnings."""
_SIGNALS = {ExitCode(code).name.lower(): f"{code}, by {name}" for code, name in INTERRUPTIONS.items()}
_BELIEF = {"yes": "Yes: the generator delivered the load and could measure it.", "no": "No:"}
_BELIEF_SO_FAR = {
    "yes": "So far, yes: the generator delivers the load and can measure it.",
    "no": "No: the run would be INVALID because",
}
_ORDER = {Status.FAIL: 0, Status.INCONCLUSIVE: 1}


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the page of a run is made of."""

    summary: Summary
    verdict: Verdict
    run: RunInfo
    charts: Charts | None
    """None where there are no records to draw."""
    profile: str | None = None
    """The effective profile, as YAML without keys."""
    standings: Mapping[str, ObjectiveSoFar] | None = None
    """By id, how the objectives of a run that goes on stand; None once it has ended."""

    @property
    def so_far(self) -> bool:
        return self.standings is not None

    @property
    def roughly(self) -> str:
        """Why values are known to within 0.4 %; empty where every request is on record."""
        if self.so_far:
            return "while the run goes on"
        return "from snapshots" if self.run.from_snapshots else ""

    @property
    def kept(self) -> str:
        """Which single requests are on record, if not all."""
        return f"of those on record, which are no more than records: {self.run.records}"


def render_page(page: RunPage) -> str:
    """Return the page as HTML."""
    return rendered("run_page.html.j2", run_context(page))


def run_context(page: RunPage) -> dict[str, object]:
    """Return what the templates of a run show, by name."""
    summary, verdict, run = page.summary, page.verdict, page.run
    drawn = _draw(page)
    series = page.charts.data.errors if page.charts else ()
    lanes = page.charts.data.slowest or () if page.charts else ()
    return {
        "summary": summary,
        "title": f"{verdict.verdict.value}: {summary.profile.name}",
        "heading": [("duration", format_duration(summary.duration_s)), *heading_facts(summary, run), *_size(summary)],
        "status": verdict.verdict.value,
        "status_class": status_class(verdict.verdict),
        "sign": sign_of(verdict.verdict),
        "tally": tallied(verdict),
        "reasons": _first([*filter(None, [failed_all_the_same(verdict)]), *verdict.reasons]),
        "exit_code": _exit_code(verdict, run),
        "objectives": [
            _objective(result, drawn if place < _MOST_DRAWN else _Drawings(), page.standings)
            for place, result in enumerate(_failed_first(verdict.objectives)[:_MOST_OBJECTIVES])
        ],
        "objectives_left": max(0, len(verdict.objectives) - _MOST_OBJECTIVES),
        "no_objectives": NO_OBJECTIVES,
        "interval_heading": interval_heading(verdict.objectives),
        "legends": legends(verdict.objectives) if verdict.objectives else [],
        "belief": _BELIEF_SO_FAR if page.so_far else _BELIEF,
        "believable": summary.generator.valid,
        "doubts": _first(summary.generator.reasons),
        "health": _named(generator_facts(summary)[:1]),
        "arrivals": _named(_arrivals(page)),
        "warnings": _first(warnings_besides(summary, verdict)),
        "charts": drawn,
        "bins": _bins(page.charts),
        "no_charts": "nothing was due yet" if page.so_far else "there are no records to draw",
        "no_lanes": NOT_YET if page.so_far else _no_lanes(run),
        "latencies": latency_table(summary, page.roughly),
        "groups": group_tables(summary, page.roughly),
        "errors": error_table(summary.errors, series, summary.counts.started),
        "client": _named(client_facts(summary)),
        "spend": _named([*cost_facts(summary.cost), *target_facts(summary)]),
        "side_by_side": side_by_side_tables(summary.comparison),
        "audit": _named(audit_facts(summary.audit)),
        "audit_tables": audit_tables(summary.audit),
        "lanes": lane_table(lanes, page.kept if run.from_snapshots else ""),
        "phase_legend": phase_legend(),
        "environment": _environment(summary, run, page.so_far),
        "profile": profile_lines(page.profile),
    }


@dataclass(frozen=True, slots=True)
class _Drawings:
    """The charts of each section; empty where there are no records."""

    load: Sequence[Drawn] = ()
    waits: Sequence[Drawn] = ()
    by_group: Sequence[tuple[str, Sequence[Drawn]]] = ()
    trouble: Sequence[Drawn] = ()
    spend: Sequence[Drawn] = ()
    tokens: Sequence[Drawn] = ()
    charts: RunCharts | None = None


def _no_lanes(run: RunInfo) -> str:
    if run.from_snapshots:
        return f"no single request is on record: the run kept records: {run.records}"
    return "there are no records to show"


def _draw(page: RunPage) -> _Drawings:
    if page.charts is None or not page.summary.counts.offered:
        return _Drawings()
    conditions = [result.expr for result in page.verdict.objectives]
    caps = ProfileCaps.of(page.profile)
    charts = RunCharts(page.summary, page.run, page.charts, caps, conditions, bool(page.roughly))
    return _Drawings(
        list(charts.load()),
        list(charts.waits()),
        list(charts.waits_by_group()),
        list(charts.trouble()),
        [charts.spend()],
        list(charts.tokens()),
        charts,
    )


def _bins(charts: Charts | None) -> Markup:
    """Return the names of the bins and where they are, for the script."""
    if charts is None:
        return Markup("")
    bins = charts.data.bins
    names = [f"{instant_text(n * bins.step_s)}–{instant_text((n + 1) * bins.step_s)}" for n in range(bins.count)]
    starts = [instant_text(n * bins.step_s) for n in range(bins.count + 1)]
    return bins_block(names, starts, bins.step_s)


def _arrivals(page: RunPage) -> Facts:
    """Return what was sent; while the run goes on, of that what has ended."""
    summary = page.summary
    counts = [("ended so far" if page.so_far and name else name, text) for name, text in count_facts(summary)[:1]]
    return [*batch_facts(summary.batch), *counts, *count_facts(summary)[1:], *rate_facts(summary)]


def _size(summary: Summary) -> Facts:
    return [("workers", f"{summary.workers:,}"), ("run", summary.run_id)]


def _named(facts: Iterable[tuple[str, object]]) -> list[tuple[str, list[str]]]:
    """Return facts with all their lines; a row without a name continues the one above it."""
    found: list[tuple[str, list[str]]] = []
    for name, text in facts:
        if name or not found:
            found.append((name, []))
        found[-1][1].append(str(text))
    return found


def _first(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"… and {left:,} more, which are in summary.json"] if left > 0 else [])]


def _failed_first(results: Sequence[ObjectiveResult]) -> list[ObjectiveResult]:
    return sorted(results, key=lambda result: (_ORDER.get(result.verdict, 2), not result.counts))


def _objective(
    result: ObjectiveResult, drawn: _Drawings, standings: Mapping[str, ObjectiveSoFar] | None
) -> dict[str, object]:
    """Return what the row of an objective shows."""
    windows = result.windows
    status = "warning" if result.warns else f"{result.verdict.value} {certainty(result)}".rstrip()
    return {
        "id": result.id,
        "status": status if standings is None else status_so_far(standings[result.id]),
        "class": "warning" if result.warns else status_class(result.verdict),
        "sign": "!" if result.warns else mark_of(result),
        "name": condition(result),
        "drawing": bullet(result),
        "observed": observed(result),
        "interval": ends_of(result),
        "counted": counted(result),
        "limit": quantity(result.limit, result.unit),
        "reason": result.reason,
        "windows": ""
        if windows is None
        else f"{windows.broken:,} of {windows.count:,} windows of {format_duration(windows.over_s)} broke it, at most "
        f"{windows.most_in_a_row:,} in a row; the worst began at {instant_text(windows.worst_at_s)}",
        "chart": drawn.charts.objective(result.id) if drawn.charts else None,
        "open": result.verdict is Status.FAIL or (result.verdict is not Status.PASS and standings is None),
    }


def _exit_code(verdict: Verdict, run: RunInfo) -> str:
    """Return the exit code; a signal comes before the verdict."""
    return _SIGNALS.get(run.ended_by or "", str(verdict.exit_code))


def status_so_far(stands: ObjectiveSoFar) -> str:
    """Return what can be said of an objective while the run goes on, as `undecided (needs 5 more)`."""
    needs = "" if stands.needs is None else f" (needs {stands.needs:,} more)"
    return f"{'warning, ' if stands.warns else ''}{stands.standing.value}{needs}"


def _environment(summary: Summary, run: RunInfo, so_far: bool) -> list[tuple[str, list[str]]]:
    facts: list[tuple[str, object]] = [
        ("platform", run.platform or "not recorded"),
        *run.versions.items(),
        ("load", run.load_kind),
        ("ended by", run.ended_by or ("nothing: it goes on" if so_far else "not in order: the run was killed")),
        ("profile", f"{run.profile.name}, sha256 {run.profile.sha256}"),
        ("thresholds", _thresholds(run)),
    ]
    facts += [("hosts", ", ".join(sorted({info.host for info in run.worker_reports if info.host})) or "this one alone")]
    facts += [("output tokens", f"{summary.tokens.counted:,} answers counted, without usage")] * bool(
        summary.tokens.counted
    )
    return _named(facts)


def _thresholds(run: RunInfo) -> str:
    own = run.thresholds
    return (
        f"late after {format_duration(own.late_s)}; INVALID above {share(own.late_share)} late, "
        f"{share(own.drop_share)} dropped, {share(own.lost_share)} lost"
    )
