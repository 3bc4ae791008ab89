"""The page of a capacity search: `capacity.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.levels import Over
from relayload.core.capacity.measures import Measures
from relayload.core.capacity.trial import Trial
from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.units import format_duration
from relayload.report.capacity import capacity_facts, decided, trial_headings, trial_row
from relayload.report.capacity_findings import (
    FRONTIER_HEADINGS,
    MEASURE_LEGEND,
    advice_lines,
    frontier_row,
    measure_headings,
    measure_row,
    measured,
)
from relayload.report.html.capacity_charts import CapacityCharts
from relayload.report.html.plot import bins_block
from relayload.report.html.profile_text import profile_lines
from relayload.report.html.shell import rendered
from relayload.report.html.svg import element
from relayload.report.html.tables import Table
from relayload.report.printing import DASH

_MOST_TRIALS = 100
"""The most trials that are shown."""
_SIGNS = {"pass": "✓", "fail": "✗", "stopped": "■", "inconclusive": "?"}
_CLASSES = {
    ExitCode.PASS: "pass",
    ExitCode.FAIL: "fail",
    ExitCode.GUARDRAIL: "stopped",
    **dict.fromkeys(INTERRUPTIONS, "stopped"),
}
_TRIAL_NOTE = "used: the part of its error budget, or of its limit, that the objective which binds has used"
_WORDS = ("to", "verdict", "binds")


@dataclass(frozen=True, slots=True)
class CapacityPage:
    """What the page of a search is made of."""

    capacity: Capacity
    links: Mapping[int, str] = field(default_factory=dict)
    """The addresses of the pages of trials, by their numbers."""
    profile: str | None = None
    """The effective profile of its first trial, as YAML without keys."""


def render_capacity_page(page: CapacityPage) -> str:
    """Return the page as HTML."""
    return rendered("capacity_page.html.j2", _context(page))


def _context(page: CapacityPage) -> dict[str, object]:
    """Return what the template shows, by name."""
    capacity = page.capacity
    trials = capacity.trials[-_MOST_TRIALS:]
    numbers = measured(capacity)[-_MOST_TRIALS:]
    charts = CapacityCharts(capacity, trials, numbers)
    status = _status_class(capacity.exit_code)
    return {
        "title": f"capacity of {capacity.profile}: {capacity.reason}",
        "name": capacity.profile,
        "over": "highest rate" if capacity.over is Over.RATE else "most users",
        "status_class": status,
        "sign": _SIGNS[status],
        "reason": capacity.reason,
        "answer": capacity.answer.value.replace("_", " "),
        "exit_code": capacity.exit_code,
        "facts": capacity_facts(capacity),
        "search_charts": list(charts.search()),
        "trials": _trial_table(capacity, trials, page.links),
        "findings": list(charts.findings()) if numbers else [],
        "measures": _measure_table(capacity, numbers),
        "frontier": _frontier_table(capacity, charts),
        "advice": list(advice_lines(capacity.advice)) if capacity.advice else [],
        "refused": _refusal_facts(capacity),
        "refusals": _refusal_table(capacity, trials),
        "rest": None if capacity.rest is None else format_duration(capacity.rest.slowest_s),
        "recoveries": _recovery_table(capacity, trials),
        "profile": profile_lines(page.profile),
        "sha256": capacity.profile_sha256,
        "bins": bins_block(),
    }


def _status_class(code: int) -> str:
    return _CLASSES.get(ExitCode(code), "inconclusive") if code in set(ExitCode) else "inconclusive"


def _trial_table(capacity: Capacity, trials: Sequence[Trial], links: Mapping[int, str]) -> Table:
    headings = (*trial_headings(capacity.over), "remarks")
    rows = [(_linked(trial, links), *trial_row(trial)[1:], _remarks(trial)) for trial in trials]
    left = len(capacity.trials) - len(trials)
    note = f"{_TRIAL_NOTE}{f'; the first {left:,} are in capacity.json' if left else ''}"
    words = frozenset(place for place, heading in enumerate(headings) if heading in (*_WORDS, "remarks"))
    return Table("Trials", headings, rows, words | {0}, note)


def _linked(trial: Trial, links: Mapping[int, str]) -> str | Markup:
    link = links.get(trial.number)
    return str(trial.number) if link is None else element("a", f"trial {trial.number}", href=link)


def _remarks(trial: Trial) -> str:
    """Return why a trial was repeated or does not count, and what it is judged together with."""
    numbers = ", ".join(map(str, trial.pooled_with))
    return "; ".join(
        [
            *([f"again since {trial.again}"] if trial.again else []),
            *([f"judged together with {numbers}"] if numbers else []),
            *trial.reasons,
        ]
    )


def _measure_table(capacity: Capacity, numbers: Sequence[tuple[Trial, Measures]]) -> Table:
    rows = [measure_row(trial, measures) for trial, measures in numbers]
    return Table("By rate", measure_headings(capacity.over), rows, note="; ".join(MEASURE_LEGEND.values()))


def _frontier_table(capacity: Capacity, charts: CapacityCharts) -> Table:
    points = capacity.frontier[:_MOST_TRIALS]
    drawn = zip(points, charts.frontier(points), strict=True)
    rows = [(*frontier_row(point, capacity.over), drawing) for point, drawing in drawn]
    headings = (*FRONTIER_HEADINGS, "from where it holds to where it fails")
    return Table("Frontier", headings, rows, frozenset((0, len(FRONTIER_HEADINGS))))


def _refusal_facts(capacity: Capacity) -> list[tuple[str, list[str]]]:
    facts = [("quota", capacity.ceiling), ("queue", capacity.queue)]
    return [(name, [str(found)]) for name, found in facts if found is not None]


def _refusal_table(capacity: Capacity, trials: Sequence[Trial]) -> Table:
    headings = ("trial", capacity.over.value, "verdict", "offered", "failed", "429", "503 or 529", "quota", "queue")
    rows = [
        (
            *trial_row(trial)[:2],
            decided(trial),
            f"{trial.offered:,}",
            f"{trial.failed:,}",
            f"{trial.rate_limited:,}",
            f"{trial.overloaded:,}",
            DASH if trial.ceiling is None else str(trial.ceiling),
            DASH if trial.queue is None else f"{trial.queue.in_flight:,} at once",
        )
        for trial in trials
        if trial.failed
    ]
    return Table("Trials with failures", headings, rows, frozenset((0, 2)))


def _recovery_table(capacity: Capacity, trials: Sequence[Trial]) -> Table:
    rows = [
        (
            *trial_row(trial)[:2],
            format_duration(trial.recovery.waited_s),
            f"{trial.recovery.probes:,}",
            "failed" if trial.recovery.latency_s is None else format_duration(trial.recovery.latency_s),
        )
        for trial in trials
        if trial.recovery is not None
    ]
    return Table("Before each trial", ("trial", capacity.over.value, "waited", "probes", "the last one took"), rows)
