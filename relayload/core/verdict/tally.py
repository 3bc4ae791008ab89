"""What the requests that have just ended say on objectives that may end the run, counted so that it can be sent on.

A load-generating process tallies its own lines as they come, and the tallies of all processes add up. Requests are
counted by the second in which they were due, since neighbours in that order are slow together.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from relayload.core.metrics.catalog import METRICS
from relayload.core.results.cell import Cell, Key
from relayload.core.results.fold import Fold
from relayload.core.results.ranks import Counted
from relayload.core.results.record import Line, Transition
from relayload.core.results.run import RunInfo
from relayload.core.results.seconds import slot_of, slot_s
from relayload.core.results.selection import Selection
from relayload.core.results.slices import window_count
from relayload.core.results.timeline import last_due_s
from relayload.core.verdict.conditions import unmet
from relayload.core.verdict.evidence import KNOWN_OF_ALL, Evidence, of_kind, one_outcome
from relayload.core.verdict.objective import Objective


class Slot(NamedTuple):
    """Where a request is counted: the window, numbered by the plan, the second, and the scenario."""

    window: int
    second: int
    scenario: str
    unmet: int = 0
    """Of goodput, which of its conditions the answers do not meet, as bits: some may not be asked of the scenario."""


class Tally(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The requests of one slot, as an objective sees them."""

    objective: int
    """Its position among those that are watched."""
    slot: Slot
    n: int = 0
    k: int = 0
    """How many of n are beyond the limit."""
    unanswered: int = 0
    """Requests without an answer, which are beyond any limit if answers of their scenario have the metric at all."""
    ok: int = 0
    """Streams that ended ok, where their gaps are counted."""
    total: float = 0.0
    """With `squares`, where a mean is asked for: the sum of how far values are from the limit."""
    squares: float = 0.0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            objective=self.objective,
            slot=self.slot,
            n=self.n + other.n,
            k=self.k + other.k,
            unanswered=self.unanswered + other.unanswered,
            ok=self.ok + other.ok,
            total=self.total + other.total,
            squares=self.squares + other.squares,
        )


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a process has seen since its last one."""

    tallies: tuple[Tally, ...] = ()
    transitions: tuple[Transition, ...] = ()
    """Of breakers, all of them: their history matters."""
    answered: dict[str, tuple[str, ...]] = {}
    """Scenarios of which a request ended ok, and which of the watched metrics such answers had."""
    paid: "tuple[Paid, ...]" = ()
    """Where a cost is watched."""
    last_due_s: float = 0.0
    last_end_s: float = 0.0


class Paid(Struct, frozen=True, kw_only=True):
    """What the requests of one key used, as much as their price depends on it."""

    key: Key
    requests: int
    tokens: tuple[int, ...]
    retried: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The windows of an objective by the plan of the run; one without end where it is judged at once."""

    spans: tuple[tuple[float, float], ...] = ()
    over_s: float | None = None

    @classmethod
    def of(cls, objective: Objective, run: RunInfo) -> "Grid":
        over_s = objective.terms.over_s
        if over_s is None:
            return cls()
        return cls(tuple(Evidence(Fold(), run, 0).planned_spans(objective)), over_s)

    def place(self, due_s: float) -> tuple[int, int] | None:
        """The window and the second in it; None for what is in no whole window."""
        if self.over_s is None:
            return 0, slot_of(due_s, 0.0, slot_s(None))
        before = 0
        for begins_at_s, ends_at_s in self.spans:
            if due_s < begins_at_s:
                return None
            count = window_count(begins_at_s, ends_at_s, self.over_s) if math.isfinite(ends_at_s) else math.inf
            number = slot_of(due_s, begins_at_s, self.over_s)
            if number < count:
                window_s = begins_at_s + number * self.over_s
                return int(before + number), slot_of(due_s, window_s, slot_s(self.over_s))
            before += int(count)
        return None


def tally(objectives: Sequence[Objective], run: RunInfo, lines: Iterable[Line]) -> Sighting:
    """Count lines that were not counted before, for those objectives that are to be watched, always in this order."""
    fold = Fold()
    fold.extend(lines)
    tallies = (
        counted for number, objective in enumerate(objectives) for counted in _counted(number, objective, run, fold)
    )
    costly = any(objective.metric == "cost" for objective in objectives)
    return Sighting(
        tallies=tuple(tallies),
        transitions=tuple(fold.transitions),
        answered=_answered(objectives, fold),
        paid=tuple(_paid(fold)) if costly else (),
        last_due_s=last_due_s(fold),
        last_end_s=fold.last_end_s,
    )


def _answered(objectives: Sequence[Objective], fold: Fold) -> dict[str, tuple[str, ...]]:
    """Also in a warm-up: what a scenario's answers have does not depend on when they come."""
    asked = {metric for objective in objectives for metric in objective.metrics if METRICS[metric].distribution}
    found: dict[str, set[str]] = {}
    for key, cell in fold.cells.items():
        if key.ok:
            own = Selection({key: cell})
            found.setdefault(key.place.scenario, set()).update(metric for metric in asked if own.measures(metric))
    return {scenario: tuple(sorted(metrics)) for scenario, metrics in found.items()}


def _paid(fold: Fold) -> Iterator[Paid]:
    for key, cell in fold.cells.items():
        yield Paid(key=key, requests=len(cell), tokens=cell.tokens.numbers, retried=cell.retried.numbers)


class _Row(NamedTuple):
    """One request, or one retry, or the gaps of some streams."""

    scenario: str
    due_s: float
    n: int = 1
    k: int = 0
    unanswered: int = 0
    ok: int = 0
    off: float = 0.0
    """How far the value is from the limit, where a mean is asked for."""
    unmet: int = 0


def _counted(number: int, objective: Objective, run: RunInfo, fold: Fold) -> Iterable[Tally]:
    grid = Grid.of(objective, run)
    sums: dict[Slot, list[float]] = {}
    for row in _rows(objective, Evidence(fold, run, 0)):
        place = grid.place(row.due_s)
        if place is not None:
            window, second = place
            if objective.metric == "chunk_gap":
                second = int(row.due_s)  # of the run, as gaps are counted in a recording
            own = sums.setdefault(Slot(window, second, row.scenario, row.unmet), [0, 0, 0, 0, 0.0, 0.0])
            numbers = (row.n, row.k, row.unanswered, row.ok, row.off, row.off * row.off)
            own[:] = map(sum, zip(own, numbers, strict=True))
    for slot, (n, k, unanswered, ok, total, squares) in sums.items():
        yield Tally(
            objective=number,
            slot=slot,
            n=int(n),
            k=int(k),
            unanswered=int(unanswered),
            ok=int(ok),
            total=total,
            squares=squares,
        )


def _rows(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    if objective.metric == "chunk_gap":
        return _gaps(objective, evidence)
    if METRICS[objective.metric].distribution:
        return _measured(objective, evidence) if objective.quantile is None else _values(objective, evidence)
    match objective.metric:
        case "errors":
            return _errors(objective, evidence)
        case "retries":
            return _retries(objective, evidence)
        case "goodput":
            return _goods(objective, evidence)
        case _:
            return iter(())  # breakers are known by their transitions, and a cost by its tokens


def _measured(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    """The values that a mean is taken of."""
    for key, cell in evidence.answered(objective).cells.items():
        for due, value in zip(cell.columns.due_s, cell.columns[objective.metric], strict=True):
            if value == value:
                yield _Row(key.place.scenario, due, off=value - objective.limit)


def _values(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    """The values that a percentile is taken of, and requests that have none though somebody waited."""
    every, within = one_outcome(objective), objective.op.within(objective.limit)
    for key, cell in evidence.requests(objective).cells.items():
        if every or key.ok or objective.metric in KNOWN_OF_ALL:
            for due, value in zip(cell.columns.due_s, cell.columns[objective.metric], strict=True):
                if value == value:
                    yield _Row(key.place.scenario, due, k=int(not within(value)))
            if not every:
                yield from _empty(objective, evidence, key, cell)
        elif key.failed:
            yield from _unanswered(key, cell)
    if not every:
        yield from _dropped(objective, evidence)


def _unanswered(key: Key, cell: Cell) -> Iterator[_Row]:
    return (_Row(key.place.scenario, due, n=0, unanswered=1) for due in cell.columns.due_s)


def _empty(objective: Objective, evidence: Evidence, key: Key, cell: Cell) -> Iterator[_Row]:
    """Streams that ended ok without a token."""
    for due_s in evidence.empty_s(objective, Selection({key: cell})):
        assert not isinstance(due_s, Counted), "those that have just ended are few"
        yield from (_Row(key.place.scenario, due, k=1) for due in due_s)


def _gaps(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    """Second by second, since requests tell their gaps as counts; those of streams that broke count as well."""
    within = objective.op.within(objective.limit)
    for key, cell in evidence.requests(objective).cells.items():
        scenario = key.place.scenario
        beyond = cell.gaps.by_slot(lambda gap_s: not within(gap_s))
        for slot, n in cell.gaps.by_slot().items():
            yield _Row(scenario, (slot + 0.5) * cell.gaps.width_s, n=n, k=beyond[slot])
        if key.ok:
            yield from (_Row(scenario, due, n=0, ok=1) for due in cell.columns.due_s)
        elif key.failed and not one_outcome(objective):
            yield from _unanswered(key, cell)
    if not one_outcome(objective):
        yield from _dropped(objective, evidence)


def _dropped(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    for place, due_s in evidence.drops(objective).items():
        yield from (_Row(place.scenario, due, n=0, unanswered=1) for due in due_s)


def _errors(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    kinds = objective.tagged("kind")
    for key, cell in evidence.requests(objective).cells.items():
        k = int(key.failed and all(of_kind(tag, key) for tag in kinds))
        yield from (_Row(key.place.scenario, due, k=k) for due in cell.columns.due_s)


def _retries(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    kinds = objective.tagged("kind")
    for key, cell in evidence.requests(objective).cells.items():
        yield from (_Row(key.place.scenario, due) for due in cell.columns.due_s)
        for cause, due_s in cell.tries.retries_due_s.items():
            if all(of_kind(tag, cause) for tag in kinds):
                yield from (_Row(key.place.scenario, due, n=0, k=1) for due in due_s)


def _goods(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    """Those that were cancelled are neither good nor bad, but tell that their scenario was asked."""
    for key, cell in evidence.requests(objective).cells.items():
        scenario, due_s = key.place.scenario, cell.columns.due_s
        if key.ok:
            bits = unmet(cell.columns, objective.conditions)
            yield from (_Row(scenario, due, unmet=own) for due, own in zip(due_s, bits, strict=True))
        else:
            n = int(key.failed)
            yield from (_Row(scenario, due, n=n, k=n) for due in due_s)
    for place, dropped_s in evidence.drops(objective).items():
        yield from (_Row(place.scenario, due, k=1) for due in dropped_s)
