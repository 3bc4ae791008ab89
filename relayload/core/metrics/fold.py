"""The fold of a run's records: from lines to everything that summaries and verdicts are made of.

Folds merge: the fold of all workers' lines is the merger of the folds of each, in any order.

Up to a million requests are kept individually; beyond that there are histograms, and each request takes 9 bytes, for
its index and start.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import add, attrgetter
from typing import Any, Protocol

from relayload.core.metrics.arrival_indices import Indices
from relayload.core.metrics.chunk_gaps import MOST_SLOTS, WINDOWED_SLOT_S, GapCounts
from relayload.core.metrics.condensed import slot_width_s
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.end_counts import EndCounts
from relayload.core.metrics.rows import Rows, grouped
from relayload.core.metrics.slowest import Slowest
from relayload.core.metrics.start_times import Starts
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.model.audited import Audited
from relayload.core.model.record import GUARDRAIL, Drop, End, Line, Transition
from relayload.core.model.run import RunInfo
from relayload.core.model.tags import PlanTags, Tags

MOST_EXACT = 1_000_000
_CLOCKS_APART_S = 1.0
"""The tolerance for the difference between the workers' clocks at the end of the load, in seconds."""
_MOST_PENDING = 1 << 18
"""The most requests that wait to be condensed together: more are cheaper, but take more memory."""


class Counts(Protocol):
    """Counts requests for objectives while they are folded: objectives need every request, however many there are."""

    @property
    def gaps_in_windows(self) -> bool:
        """Gaps between chunks are needed in slots of a second."""

    def add(self, tags: Tags, rows: Rows) -> None: ...
    def add_drop(self, plan_tags: PlanTags, due_at_s: float) -> None: ...
    def merge(self, other: Any) -> None: ...


class Fold:
    """Requests by their tags, drops by their plan tags, and the workers' last lines."""

    so_far = False
    """It was made while the run goes on."""
    of_snapshots = False
    """It was made of what workers tell: what they do not tell is not there."""

    __slots__ = (
        "_gap_slot_s",
        "_load_s",
        "_most_exact",
        "_pending",
        "audited",
        "by_tags",
        "cells",
        "condensed",
        "counts",
        "drop_reasons",
        "drops",
        "due_in",
        "ends",
        "indices",
        "last_at_s",
        "last_due_at_s",
        "last_end_s",
        "lines_of",
        "refused",
        "retry_starts",
        "slowest",
        "starts",
        "transitions",
    )

    def __init__(
        self,
        load_s: float = 0.0,
        counts: Counts | None = None,
        most_exact: int = MOST_EXACT,
        cells: Cells | None = None,
    ) -> None:
        """Keep up to `most_exact` requests individually, and histograms of more.

        It costs less if the length of the load is known as `load_s`. `counts` receive every request for objectives.
        `cells` are those of the run, which are whole seconds if its stages and its load end with one.
        """
        self.by_tags: dict[Tags, TaggedRequests] = {}
        self.cells = Cells() if cells is None else cells
        self.condensed = False
        """There are too many requests to keep individually."""
        self.counts = counts
        self._load_s, self._most_exact = load_s, most_exact
        in_windows = counts is not None and counts.gaps_in_windows
        self._gap_slot_s = WINDOWED_SLOT_S if in_windows else slot_width_s(load_s, MOST_SLOTS)
        self._pending = 0
        """The number of requests kept individually."""
        self.last_due_at_s = 0.0
        """When the last arrival on record was due."""
        self.due_in: Counter[int] = Counter()
        """How many of the requests that were started were due in each second of the run."""
        self.drops: dict[PlanTags, array[float]] = {}
        """The instants at which the dropped arrivals were due."""
        self.drop_reasons: Counter[str] = Counter()
        """How many arrivals were dropped for which reason, without those that a guardrail held back."""
        self.refused: dict[PlanTags, array[float]] = {}
        """The instants at which the arrivals were due that a guardrail held back until the run ended: no failures."""
        self.audited: list[Audited] = []
        """The answers that were counted after the last request."""
        self.ends: list[End] = []
        self.transitions: list[Transition] = []
        self.indices: dict[str | None, Indices] = {}
        """The indices of arrivals by target; later turns of a conversation have none."""
        self.starts = Starts()
        self.retry_starts = Starts()
        """When the attempts after the first of a request were sent."""
        self.slowest = Slowest()
        self.lines_of: Counter[int] = Counter()
        """Starts and drops on record, by worker."""
        self.last_at_s = 0.0
        """The latest instant in any line."""
        self.last_end_s = 0.0
        """When the last request ended."""

    def extend(self, lines: Iterable[Line]) -> None:
        """Add lines; larger batches are cheaper."""
        for tags, rows in grouped(lines, self._add_other):
            self._extend_tagged(tags, rows)
        if self._pending > (_MOST_PENDING if self.condensed else self._most_exact):
            self._condense()

    def merge(self, other: "Fold") -> None:
        """Move all requests of another fold into this one, one set of tags at a time, to hold few of them twice."""
        for tags in list(other.by_tags):
            tagged = other.by_tags.pop(tags)
            if tags in self.by_tags:
                self.by_tags[tags].merge(tagged)
            else:
                self.by_tags[tags] = tagged
        self.drop_reasons += other.drop_reasons
        for own, others in ((self.drops, other.drops), (self.refused, other.refused)):
            for plan_tags, due_at_s in others.items():
                own.setdefault(plan_tags, array("d")).extend(due_at_s)
        self.audited.extend(other.audited)
        self.ends.extend(other.ends)
        self.transitions.extend(other.transitions)
        for target, indices in other.indices.items():
            self._indices_of(target).merge(indices)
        self.lines_of.update(other.lines_of)
        self.due_in.update(other.due_in)
        self.starts.merge(other.starts)
        self.retry_starts.merge(other.retry_starts)
        self.slowest.merge(other.slowest)
        self.last_at_s = max(self.last_at_s, other.last_at_s)
        self.last_end_s = max(self.last_end_s, other.last_end_s)
        self.last_due_at_s = max(self.last_due_at_s, other.last_due_at_s)
        if self.counts is not None:
            self.counts.merge(other.counts)
        self._pending += other._pending
        self.condensed |= other.condensed
        self.settle()

    def settle(self) -> None:
        """Condense what is pending; call it after the last line and before reading any requests."""
        if self.condensed or self._pending > self._most_exact:
            self._condense()

    def count_late(self, late_s: float) -> int:
        """Return how many requests started more than that many seconds late."""
        return sum(tagged.values.count_above("late", late_s) for tagged in self.by_tags.values())

    @property
    def started(self) -> int:
        return len(self.starts)

    @property
    def dropped(self) -> int:
        """Arrivals that were not started, for whatever reason."""
        return sum(len(due_at_s) for _, due_at_s in self.all_drops)

    @property
    def arrivals(self) -> int:
        """Requests that were started and arrivals that were not, without later turns of conversations."""
        return self.started + self.dropped - sum(tagged.follow_ups for tagged in self.by_tags.values())

    @property
    def slot_s(self) -> float:
        """The width of the slots in which requests are condensed, in seconds."""
        return slot_width_s(max(self._load_s, self.last_due_at_s))

    @property
    def all_drops(self) -> list[tuple[PlanTags, "array[float]"]]:
        """The due times of dropped arrivals and of those that were held back."""
        return [*self.drops.items(), *self.refused.items()]

    @property
    def all_indices(self) -> Indices:
        """The indices of all targets together."""
        return Indices.merged(self.indices.values())

    def _extend_tagged(self, tags: Tags, rows: Rows) -> None:
        records = rows.records
        if tags not in self.by_tags:
            self.by_tags[tags] = self._empty(self._gap_slot_s)
        self.by_tags[tags].extend(rows)
        if self.counts is not None:
            self.counts.add(tags, rows)
        self._indices_of(tags.plan_tags.target).add([record.index for record in records if not record.turn])
        self.lines_of.update(map(attrgetter("worker"), records))
        self.due_in.update(rows.due_in)
        self._pending += len(rows)
        self.slowest.add(rows)
        self.last_due_at_s = max(self.last_due_at_s, max(rows.due_at_s))
        self.starts.add(list(map(add, rows.due_at_s, rows["late"])))
        if not rows.once:
            retries = [attempt.sent_at_s for record in records for attempt in record.attempts[1:]]
            self.retry_starts.add([at_s for at_s in retries if at_s is not None])
        self.last_end_s = max(self.last_end_s, rows.last_end_s)
        self.last_at_s = max(self.last_at_s, self.last_end_s)

    def _empty(self, gap_slot_s: float) -> TaggedRequests:
        return TaggedRequests(gaps=GapCounts(gap_slot_s), ends=EndCounts(self.cells))

    def _condense(self) -> None:
        for tagged in self.by_tags.values():
            tagged.condense(self.slot_s)
        self.condensed, self._pending = True, 0

    def _add_other(self, line: Drop | Transition | Audited | End) -> None:
        if isinstance(line, Drop):
            self._add_drop(line)
        elif isinstance(line, Transition):
            self.transitions.append(line)
        elif isinstance(line, Audited):
            self.audited.append(line)
        else:
            self._add_end(line)

    def _add_end(self, end: End) -> None:
        self.ends.append(end)
        self.last_at_s = max(self.last_at_s, end.at_s)

    def _add_drop(self, drop: Drop) -> None:
        plan_tags = PlanTags(drop.scenario, drop.model, drop.stage, drop.measured, drop.target, drop.key)
        drops = self.refused if drop.reason == GUARDRAIL else self.drops
        drops.setdefault(plan_tags, array("d")).append(drop.intended_at_s)
        if drop.reason != GUARDRAIL:
            self.drop_reasons[drop.reason] += 1
            if self.counts is not None:
                self.counts.add_drop(plan_tags, drop.intended_at_s)
        self.last_due_at_s = max(self.last_due_at_s, drop.intended_at_s)
        self._indices_of(drop.target).add([drop.index])
        self.lines_of[drop.worker] += 1
        self.last_at_s = max(self.last_at_s, drop.intended_at_s)

    def _indices_of(self, target: str | None) -> Indices:
        if target not in self.indices:
            self.indices[target] = Indices()
        return self.indices[target]


@dataclass(frozen=True, slots=True)
class Account:
    """The whereabouts of every arrival: offered = started + dropped + lost. Faults are reasons not to trust it."""

    started: int
    dropped: int
    lost: int
    faults: tuple[str, ...] = ()
    twice: int = 0
    """Arrivals that are recorded more than once."""
    warnings: tuple[str, ...] = ()

    @property
    def offered(self) -> int:
        return self.started + self.dropped + self.lost


def account(fold: Fold, run: RunInfo) -> Account:
    """Count what was offered and find what is missing.

    The indices of an open load number its arrivals in the order of time, so a gap is a lost arrival; if each arrival
    goes to every target, each target has all indices. Arrivals of a batch begin in any order, so only the run knows
    their number. A closed load offers what it starts, as do later turns of conversations; there only the workers' own
    claims reveal requests without a record. While the run goes on, nothing counts as lost.

    Snapshots have no indices: there the number of arrivals that were told is compared with what was offered.
    """
    if fold.so_far:
        return Account(fold.started, fold.dropped, 0)
    orders = _orders(fold, run)
    twice = sum(order.twice for order in orders)
    unrecorded = _unrecorded(fold, run)
    if run.closed or run.part is not None:
        lost = sum(unrecorded.values())
    else:
        known = fold.arrivals if fold.of_snapshots else sum(order.distinct for order in orders)
        end = max((order.end for order in orders), default=0)
        least = known if run.batch or fold.of_snapshots else end * run.copies
        lost = max(run.offered or 0, least) - known
    faults = (*_twice(twice), *_unreadable(fold), *_missing(fold, run, unrecorded))
    return Account(
        fold.started,
        fold.dropped,
        lost,
        faults,
        twice,
        (*_part(run), *_left_early(fold, run), *_users_moved(fold, run)),
    )


def _orders(fold: Fold, run: RunInfo) -> list[Indices]:
    """Return the indices on record for each independent numbering of the schedule."""
    if run.copies > 1:
        return [fold.indices[target] for target in run.targets if target in fold.indices]
    return [fold.all_indices]


def _unrecorded(fold: Fold, run: RunInfo) -> dict[int, int]:
    """Return the starts and drops per worker that it claimed and that are not in the records."""
    claims = {info.worker: info.started + info.dropped for info in run.worker_reports}
    claims |= {end.worker: end.started + end.dropped for end in fold.ends}
    return {worker: max(0, claim - fold.lines_of[worker]) for worker, claim in claims.items()}


def _twice(count: int) -> tuple[str, ...]:
    return (f"{count} arrivals are recorded twice",) if count else ()


def _unreadable(fold: Fold) -> tuple[str, ...]:
    count = sum(tagged.gaps.unreadable for tagged in fold.by_tags.values())
    return (f"the gaps between the chunks of {count} answers are no pairs of bucket and count",) if count else ()


def _missing(fold: Fold, run: RunInfo, unrecorded: dict[int, int]) -> tuple[str, ...]:
    """Report missing records of workers that ended in order; those that died or failed are known to leave gaps."""
    if run.crash:
        return ()
    in_order = {end.worker for end in fold.ends} | {info.worker for info in run.worker_reports if info.drained}
    why = (
        "ended {} requests that no snapshot tells of"
        if fold.of_snapshots
        else "wrote {} records that are not here: its file is cut short, or lies on another host (relayload merge)"
    )
    return tuple(
        f"worker {worker} {why.format(unrecorded[worker])}" for worker in sorted(in_order) if unrecorded[worker]
    )


def _part(run: RunInfo) -> tuple[str, ...]:
    if run.part is None:
        return ()
    return (f"these are the records of worker {run.part} alone: relayload merge makes one recording of all",)


def _left_early(fold: Fold, run: RunInfo) -> tuple[str, ...]:
    """Report workers on other hosts that never told of their end: they may have kept records."""
    ended = {end.worker for end in fold.ends}
    return tuple(
        f"worker {info.worker} on {info.host} did not end in order: records that it could not deliver are in its own "
        "recording there"
        for info in run.worker_reports
        if info.clock_error_s and info.worker not in ended
    )


def _users_moved(fold: Fold, run: RunInfo) -> tuple[str, ...]:
    """Report workers of a closed load that left before its end: for some seconds nobody had their users."""
    if not run.closed or run.ended_at_s is None:
        return ()
    left_at_s = {info.worker: math.inf if info.drained else 0.0 for info in run.worker_reports}
    left_at_s |= {end.worker: end.at_s for end in fold.ends}
    return tuple(
        f"worker {worker} was gone early: its users were missing until the others had taken them over"
        for worker, at_s in sorted(left_at_s.items())
        if at_s < run.ended_at_s - _CLOCKS_APART_S
    )
