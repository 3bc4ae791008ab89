"""The fold of a run's records: lines in, everything that summaries and verdicts are made of out.

Folds merge: the fold of all workers' lines is the merger of the folds of each, in any order.
"""

from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from relayload.core.results.cell import Cell, Key, Place
from relayload.core.results.record import Drop, End, Line, Record
from relayload.core.results.run import RunInfo


class Fold:
    """Requests by cell, drops by place, and what the workers said at the end."""

    __slots__ = ("cells", "drops", "ends", "indices", "last_at_s", "lines_of", "starts_s")

    def __init__(self) -> None:
        self.cells: dict[Key, Cell] = {}
        self.drops: dict[Place, array[float]] = {}
        """The instants at which the dropped arrivals were due."""
        self.ends: list[End] = []
        self.indices = array("q")
        self.starts_s = array("d")
        self.lines_of: Counter[int] = Counter()
        """Starts and drops on record, by worker."""
        self.last_at_s = 0.0
        """The latest instant that any line tells of."""

    def add(self, line: Line) -> None:
        match line:
            case Record():
                self._add_record(line)
            case Drop():
                self._add_drop(line)
            case End():
                self.ends.append(line)
                self.last_at_s = max(self.last_at_s, line.at_s)

    def merge(self, other: "Fold") -> None:
        for key, cell in other.cells.items():
            self.cells.setdefault(key, Cell()).merge(cell)
        for place, due_s in other.drops.items():
            self.drops.setdefault(place, array("d")).extend(due_s)
        self.ends.extend(other.ends)
        self.indices.extend(other.indices)
        self.lines_of.update(other.lines_of)
        self.starts_s.extend(other.starts_s)
        self.last_at_s = max(self.last_at_s, other.last_at_s)

    @property
    def started(self) -> int:
        return len(self.starts_s)

    @property
    def dropped(self) -> int:
        return sum(len(due_s) for due_s in self.drops.values())

    def _add_record(self, record: Record) -> None:
        answer = record.attempts[-1] if record.attempts else None
        place = Place(record.scenario, record.model, record.stage, record.measured)
        status, error = (answer.status, answer.error) if answer else (None, None)
        key = Key(place, str(record.outcome), status, error)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
        cell.add(record)
        self.indices.append(record.index)
        self.lines_of[record.worker] += 1
        self.starts_s.append(record.intended_at_s + record.late_s)
        self.last_at_s = max(self.last_at_s, record.intended_at_s + record.latency_s)

    def _add_drop(self, drop: Drop) -> None:
        place = Place(drop.scenario, drop.model, drop.stage, drop.measured)
        self.drops.setdefault(place, array("d")).append(drop.intended_at_s)
        self.indices.append(drop.index)
        self.lines_of[drop.worker] += 1
        self.last_at_s = max(self.last_at_s, drop.intended_at_s)


@dataclass(frozen=True, slots=True)
class Account:
    """Where every arrival went: offered = started + dropped + lost. Faults say why that can't be trusted."""

    started: int
    dropped: int
    lost: int
    faults: tuple[str, ...] = ()

    @property
    def offered(self) -> int:
        return self.started + self.dropped + self.lost


def account(fold: Fold, run: RunInfo) -> Account:
    """Count what was offered and find what is missing.

    The indices of an open load number its arrivals in the order of time, so a gap is a lost arrival. A closed load
    offers what it starts; there only the workers' own claims tell of requests that left no record.
    """
    order = sorted(fold.indices)
    twice = sum(first == second for first, second in pairwise(order))
    unrecorded = _unrecorded(fold, run)
    if run.closed:
        lost = sum(unrecorded.values())
    else:
        due = max(run.offered or 0, order[-1] + 1 if order else 0)
        lost = due - (len(order) - twice)
    faults = (*_twice(twice), *_missing(fold, unrecorded))
    return Account(fold.started, fold.dropped, lost, faults)


def _unrecorded(fold: Fold, run: RunInfo) -> dict[int, int]:
    """Per worker, how many starts and drops it told of that are not in the records."""
    claims = {told.worker: told.started + told.dropped for told in run.last_told}
    claims |= {end.worker: end.started + end.dropped for end in fold.ends}
    return {worker: max(0, claim - fold.lines_of[worker]) for worker, claim in claims.items()}


def _twice(count: int) -> tuple[str, ...]:
    return (f"{count} arrivals are recorded twice",) if count else ()


def _missing(fold: Fold, unrecorded: dict[int, int]) -> tuple[str, ...]:
    """Of workers that ended in order: those that died are known to leave requests without a record."""
    return tuple(
        f"worker {end.worker} wrote {unrecorded[end.worker]} records that are not here: perhaps on another host"
        for end in fold.ends
        if unrecorded[end.worker]
    )
