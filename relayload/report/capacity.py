"""Renders a capacity search: its progress, and its answer."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import BACKLOG, Binding, Decision, Purpose, Trial, Wanted
from relayload.core.units import format_duration
from relayload.report.capacity_findings import findings_parts
from relayload.report.fitting_table import Cell, Column, FittingTable
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

_STYLES = {Decision.PASS: "green", Decision.FAIL: "red"}
_VERDICTS = {Decision.PASS: "passed", Decision.FAIL: "failed"}
_PURPOSES = {Purpose.SEARCH: "to search", Purpose.CONFIRM: "to confirm", Purpose.CONTROL: "as a control"}
_HEADINGS = ("for", "to", "verdict", "binds", "used", "ok", "latency p50")
_WORDS = {"trial": 5, "to": 7, "verdict": 9, "binds": 12}
_NEAR = 0.5
_OPTIONAL = ("latency p50", "for", "ok")


def render_capacity(capacity: Capacity, screen: Screen = PLAIN) -> str:
    """Render the answer, what it rests on, and a row for each trial."""
    parts: list[RenderableType] = [
        Text(f"capacity of {capacity.profile}: {capacity.reason}", style="bold"),
        *(Text(line) for line in capacity_facts(capacity)),
    ]
    if capacity.trials:
        columns = [
            Column(heading, words=heading in _WORDS, least=_WORDS.get(heading, 0))
            for heading in trial_headings(capacity.over)
        ]
        rows = [_styled(trial_row(trial), trial.decision) for trial in capacity.trials]
        parts.append(FittingTable(columns, rows, optional=_OPTIONAL, gap=1))
    return printed([*parts, *findings_parts(capacity)], screen)


def trial_headings(over: Over) -> tuple[str, ...]:
    """Return the headings of the table of trials."""
    return ("trial", over.value, *_HEADINGS)


def trial_row(trial: Trial) -> tuple[str, ...]:
    """Return a cell for each of these headings."""
    binding = trial.binding
    return (
        str(trial.number),
        _rate(trial.rate_per_s) if trial.users is None else str(trial.users),
        format_duration(trial.load_s),
        trial.purpose.value,
        decided(trial),
        DASH if binding is None else binding.objective,
        DASH if binding is None or binding.used is None else f"{binding.used:.0%}",
        _rate(trial.ok_per_s),
        DASH if trial.latency_p50_s is None else format_duration(trial.latency_p50_s),
    )


def decided(trial: Trial) -> str:
    """Return what a trial came to in a word. Only one that confirms proves anything."""
    if trial.proven and trial.purpose is Purpose.CONFIRM:
        return "proven"
    return "refuted" if trial.refuted else _VERDICTS.get(trial.decision, trial.decision)


def capacity_facts(capacity: Capacity) -> list[str]:
    """Return what the answer rests on, a line each."""
    facts = []
    estimate = capacity.estimate_per_s if capacity.over is Over.RATE else capacity.estimate_users
    if estimate is not None:
        facts.append(f"likeliest: {capacity.over.told(estimate)}, by all trials and without a bound")
    proofs = [trial for trial in capacity.trials if trial.users is not None and trial.users == capacity.proven_users]
    if proofs:
        proof = proofs[-1]
        facts.append(f"what {_told(proof)} got answered: {_rate(proof.ok_per_s)}")
    if capacity.binding is not None and _near(capacity.binding):
        facts.append(f"what binds: {_binding(capacity.binding)}")
    waited_s = sum(trial.recovery.waited_s for trial in capacity.trials if trial.recovery)
    usd = "" if capacity.usd is None else f", ${capacity.usd:.4g}"
    trials = f"{len(capacity.trials)} trial{'' if len(capacity.trials) == 1 else 's'}"
    load = f"{trials}, {format_duration(capacity.load_s)} of load" if capacity.trials else "no trial was run"
    return [
        *facts,
        f"{load}, {capacity.requests:,} requests{usd}"
        f"{f', {format_duration(waited_s)} of waiting for the relay to recover' if waited_s else ''}",
    ]


def trial_begins(number: int, wanted: Wanted, trials: Sequence[Trial], most_load_s: float) -> str:
    """Return a line about a trial that begins: its rate, the bracket, and the load that is left."""
    searched = [trial for trial in trials if trial.purpose is Purpose.SEARCH]
    passed = [trial for trial in searched if trial.decision is Decision.PASS]
    failed = [trial for trial in searched if trial.decision is Decision.FAIL]
    known = [f"{_told(max(passed, key=_level))} passed"] if passed else []
    known += [f"{_told(min(failed, key=_level))} failed"] if failed else []
    bracket = f"; so far {' and '.join(known)}" if known else ""
    again = f", again since {wanted.again}" if wanted.again else ""
    requests = f", at least {wanted.requests:,.0f} requests" if wanted.users and wanted.requests else ""
    left_s = most_load_s - sum(trial.load_s for trial in trials)
    to = _PURPOSES[wanted.purpose]
    what = f"{_told(wanted)} for {format_duration(wanted.for_s)}{requests}, {to}{again}{bracket}"
    return f"trial {number}: {what}; {format_duration(left_s)} of load left"


def trial_ended(trial: Trial) -> str:
    """Return a line about what a trial came to."""
    pooled = f", with {len(trial.pooled_with)} before it" if trial.pooled_with else ""
    why = f": {'; '.join(trial.reasons)}" if trial.decision in (Decision.VOID, Decision.STOPPED) else _bound(trial)
    return f"trial {trial.number}: {_told(trial)} {decided(trial)}{pooled}{why}"


def _styled(cells: tuple[str, ...], decision: Decision) -> tuple[Cell, ...]:
    """Return the cells with the verdict in its colour."""
    place = trial_headings(Over.RATE).index("verdict")
    return (*cells[:place], Text(cells[place], style=_STYLES.get(decision, "yellow")), *cells[place + 1 :])


def _bound(trial: Trial) -> str:
    return f" ({_binding(trial.binding)})" if trial.binding else ""


def _binding(binding: Binding) -> str:
    if binding.used is None:
        return "requests in flight pile up" if binding.objective == BACKLOG else binding.objective
    return f"{binding.objective} used {binding.used:.0%} of what it may"


def _near(binding: Binding) -> bool:
    """Return whether it holds more load back: what is far from its limit binds nothing."""
    return binding.used is None or binding.used >= _NEAR


def _told(trial: Wanted | Trial) -> str:
    return (Over.RATE if trial.users is None else Over.USERS).told(trial.level)


def _level(trial: Trial) -> float:
    return trial.level


def _rate(per_s: float | None) -> str:
    return DASH if per_s is None else f"{per_s:.4g}/s"
