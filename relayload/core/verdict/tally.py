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
from relayload.core.results.selection import Selection
from relayload.core.results.targets import paid
from relayload.core.verdict.conditions import bad_due_s
from relayload.core.verdict.evidence import KNOWN_OF_ALL, Evidence, of_kind, one_outcome
from relayload.core.verdict.objective import Objective

SLOT_S = 1.0


class Slot(NamedTuple):
    """Where a request is counted: the window, numbered by the plan, the second, and the scenario."""

    window: int
    second: int
    scenario: str


class Tally(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The requests of one slot, as an objective sees them."""

    objective: int
    """Its position among those that are watched."""
    slot: Slot
    n: int = 0
    k: int = 0
    """How many are beyond the limit."""
    ok: int = 0
    measured: int = 0
    """How many had the metric; `total` and `squares` are sums over these, where a mean is asked for."""
    total: float = 0.0
    squares: float = 0.0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            objective=self.objective,
            slot=self.slot,
            n=self.n + other.n,
            k=self.k + other.k,
            ok=self.ok + other.ok,
            measured=self.measured + other.measured,
            total=self.total + other.total,
            squares=self.squares + other.squares,
        )


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a process has seen since its last one."""

    tallies: tuple[Tally, ...] = ()
    transitions: tuple[Transition, ...] = ()
    """Of breakers, all of them: their history matters."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The windows of an objective by the plan of the run; one without end where it is judged at once."""

    spans: tuple[tuple[float, float], ...] = ((0.0, math.inf),)
    over_s: float = math.inf

    @classmethod
    def of(cls, objective: Objective, run: RunInfo) -> "Grid":
        over_s = objective.terms.over_s
        if over_s is None:
            return cls()
        return cls(tuple(Evidence(Fold(), run, 0).planned_spans(objective)), over_s)

    def place(self, due_s: float) -> tuple[int, int] | None:
        """The window and the second in it; None for what is in no whole window."""
        before = 0
        for begins_at_s, ends_at_s in self.spans:
            if due_s < begins_at_s:
                return None
            if due_s < ends_at_s:
                number = int((due_s - begins_at_s) / self.over_s)
                window_s = begins_at_s + (number * self.over_s if number else 0.0)
                whole = window_s + self.over_s <= ends_at_s + 1e-9
                return (before + number, int((due_s - window_s) / SLOT_S)) if whole else None
            before += int((ends_at_s - begins_at_s) / self.over_s + 1e-9)
        return None


def tally(objectives: Sequence[Objective], run: RunInfo, lines: Iterable[Line]) -> Sighting:
    """Count lines that were not counted before, for those objectives that are to be watched, always in this order."""
    fold = Fold()
    fold.extend(lines)
    tallies = (
        counted for number, objective in enumerate(objectives) for counted in _counted(number, objective, run, fold)
    )
    return Sighting(tallies=tuple(tallies), transitions=tuple(fold.transitions))


class _Row(NamedTuple):
    """One request, or one retry, or a sum of money."""

    scenario: str
    due_s: float
    n: int = 1
    k: int = 0
    ok: int = 0
    measured: int = 0
    value: float = 0.0


def _counted(number: int, objective: Objective, run: RunInfo, fold: Fold) -> Iterable[Tally]:
    grid = Grid.of(objective, run)
    sums: dict[Slot, list[float]] = {}
    for row in _rows(objective, Evidence(fold, run, 0)):
        place = grid.place(row.due_s)
        if place is not None:
            own = sums.setdefault(Slot(*place, row.scenario), [0, 0, 0, 0, 0.0, 0.0])
            numbers = (row.n, row.k, row.ok, row.measured, row.value, row.value * row.value)
            own[:] = map(sum, zip(own, numbers, strict=True))
    for slot, (n, k, ok, measured, total, squares) in sums.items():
        yield Tally(
            objective=number,
            slot=slot,
            n=int(n),
            k=int(k),
            ok=int(ok),
            measured=int(measured),
            total=total,
            squares=squares,
        )


def _rows(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    if METRICS[objective.metric].distribution:
        return _values(objective, evidence)
    match objective.metric:
        case "errors":
            return _errors(objective, evidence)
        case "retries":
            return _retries(objective, evidence)
        case "goodput":
            return _goods(objective, evidence)
        case "cost":
            return _costs(objective, evidence)
        case _:
            return iter(())  # breakers are known by their transitions


def _values(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    of_requests = _gaps if objective.metric == "chunk_gap" else _measured
    for key, cell in evidence.requests(objective).cells.items():
        if one_outcome(objective) or key.ok or objective.metric in KNOWN_OF_ALL:
            yield from of_requests(objective, key, cell)
            if key.ok and objective.quantile is not None and not one_outcome(objective):
                yield from _empty(objective, evidence, key, cell)
        elif key.failed and objective.quantile is not None:
            yield from (_Row(key.place.scenario, due, k=1) for due in cell.columns.due_s)
    if objective.quantile is not None and not one_outcome(objective):
        yield from _dropped(objective, evidence)


def _measured(objective: Objective, key: Key, cell: Cell) -> Iterator[_Row]:
    scenario, ok, within = key.place.scenario, int(key.ok), objective.op.within(objective.limit)
    for due, value in zip(cell.columns.due_s, cell.columns[objective.metric], strict=True):
        if value == value:
            yield _Row(scenario, due, k=int(not within(value)), ok=ok, measured=1, value=value)
        else:
            yield _Row(scenario, due, n=0, ok=ok)


def _empty(objective: Objective, evidence: Evidence, key: Key, cell: Cell) -> Iterator[_Row]:
    """Streams without a token, which are among those that ended ok already."""
    for due_s in evidence.empty_s(objective, Selection({key: cell})):
        assert not isinstance(due_s, Counted), "those that have just ended are few"
        yield from (_Row(key.place.scenario, due, k=1, measured=1) for due in due_s)


def _gaps(objective: Objective, key: Key, cell: Cell) -> Iterator[_Row]:
    """Second by second, since requests tell their gaps as counts."""
    scenario, within = key.place.scenario, objective.op.within(objective.limit)
    beyond = cell.gaps.by_slot(lambda gap_s: not within(gap_s))
    for slot, n in cell.gaps.by_slot().items():
        yield _Row(scenario, (slot + 0.5) * cell.gaps.width_s, n=n, k=beyond[slot], measured=n)
    yield _Row(scenario, cell.columns.due_s[0], n=0, ok=len(cell))


def _dropped(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    for place, due_s in evidence.drops(objective).items():
        yield from (_Row(place.scenario, due, k=1) for due in due_s)


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
    without = evidence.scenarios_without_conditions(objective)
    for key, cell in evidence.requests(objective).cells.items():
        if key.ok or key.failed:
            k = int(key.failed)
            yield from (_Row(key.place.scenario, due, k=k) for due in cell.columns.due_s)
        if key.ok:
            for bad in bad_due_s(Selection({key: cell}), objective.conditions, without):
                assert not isinstance(bad, Counted), "those that have just ended are few"
                yield from (_Row(key.place.scenario, due, n=0, k=1) for due in bad)
    yield from _dropped(objective, evidence)


def _costs(objective: Objective, evidence: Evidence) -> Iterator[_Row]:
    """What is known of the cost: an answer without a usage adds nothing here."""
    cost = paid(evidence.paid(objective).cells, evidence.run)
    yield _Row("", 0.0, n=evidence.paid(objective).count, value=float(sum(cost.by_model.values())))
