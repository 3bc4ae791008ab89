"""A run in progress: the snapshots of each process and their merger, as a source of indicators."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import add

from relayload.core.metrics.catalog import METRICS, shown_in
from relayload.core.metrics.chunk_gaps import GapCounts, GapSample
from relayload.core.metrics.cost import Used
from relayload.core.metrics.end_cells import stretch_edges
from relayload.core.metrics.metric import Output
from relayload.core.metrics.rows import grouped
from relayload.core.metrics.tag_slots import TagCounts, TagSlots
from relayload.core.metrics.tag_tally import TagTally
from relayload.core.metrics.told import Told
from relayload.core.model.audited import Audited
from relayload.core.model.record import GUARDRAIL, Drop, End, Line, Transition
from relayload.core.model.run import RunInfo
from relayload.core.model.snapshot import (
    IndicatorSlot,
    Slot,
    Snapshot,
    Span,
    Tally,
    WindowValues,
)
from relayload.core.model.tags import DROPPED, REFUSED, PlanTags, Tags
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.slot_table import SlotTable
from relayload.core.objectives.tag_filter import of_outcome, within
from relayload.core.objectives.window import Window
from relayload.core.stats.histogram import Histogram, packed, unpacked
from relayload.core.stats.ranks import Sorted
from relayload.core.stats.sample import Sample

_SWEPT_EVERY = 120
"""Snapshots between two calls to keep old counts in less room: a minute's."""


def metrics_of(objectives: Iterable[Objective]) -> list[str]:
    """Return the metrics with histograms in snapshots: those that are shown, and those of objectives."""
    wanted = {metric for objective in objectives for metric in objective.metrics}
    shown = {metric.name for metric in shown_in(Output.SNAPSHOT)}
    return [name for name, metric in METRICS.items() if metric.distribution and name in wanted | shown]


class SnapshotMaker:
    """Folds the lines of one process into snapshots."""

    def __init__(self, worker: int, objectives: Sequence[Objective], run: RunInfo) -> None:
        self._worker = worker
        self._counts = ObjectiveCounts(objectives, run)
        self._alone = run.from_snapshots
        """Nothing but the snapshots will tell of the requests."""
        self._slots = TagSlots(metrics_of(objectives), stretch_edges(run))
        self._tallies: defaultdict[Tags, TagTally] = defaultdict(TagTally)
        self._tallied: set[Tags] = set()
        """Those that have changed since the last snapshot."""
        self._late_s, self._late = run.thresholds.late_s, 0
        self._in_flight: Counter[int] = Counter()
        self._versions = 0
        self._transitions: list[Transition] = []
        self._sent = 0
        """The number of transitions already sent."""
        self._first_start_s = math.inf
        self._last_due_at_s = self._last_end_s = 0.0

    def begin(self, due_at_s: float, by: int = 1) -> None:
        """Count a request that is started, or with -1 one that was not sent after all."""
        self._in_flight[int(due_at_s)] += by

    def add(self, lines: Iterable[Line]) -> None:
        """Count lines; larger batches are cheaper."""
        for tags, rows in grouped(lines, self._add_other):
            self._counts.add(tags, rows)
            self._slots.add(tags, rows)
            self._tallies[tags].tally(rows)
            self._tallied.add(tags)
            if max(rows["late"]) > self._late_s:
                self._late += sum(map(self._late_s.__lt__, rows["late"]))
            self._in_flight.subtract(rows.due_in)
            if min(rows.due_at_s) < self._first_start_s:  # nothing starts before it is due
                self._first_start_s = min(self._first_start_s, *map(add, rows.due_at_s, rows["late"]))
            self._last_due_at_s = max(self._last_due_at_s, max(rows.due_at_s))
            self._last_end_s = max(self._last_end_s, max(rows.ends_s))

    def snapshot(self, now_s: float, *, whole: bool = False, health: End | None = None) -> Snapshot:
        """Return the changes since the last snapshot, at that instant of the run; or everything."""
        self._versions += 1
        self._in_flight = +self._in_flight
        slots = self._slots.changed(now_s)
        if not self._versions % _SWEPT_EVERY:
            self._counts.sweep()
        sent = 0 if whole else self._sent
        self._sent = len(self._transitions)
        return Snapshot(
            worker=self._worker,
            number=self._versions,
            whole=whole,
            slots=tuple(self._slots.whole if whole else slots),
            indicators=tuple(self._indicator_slots(whole=whole)),
            windows=tuple(self._window_values(whole=whole)) if self._alone else (),
            transitions=tuple(self._transitions[sent:]),
            transitions_from=sent,
            first_start_s=self._first_start_s if math.isfinite(self._first_start_s) else None,
            last_due_at_s=self._last_due_at_s,
            last_end_s=self._last_end_s,
            tallies=tuple(self._told_tallies(whole=whole)),
            late=self._late,
            in_flight=dict(self._in_flight),
            health=health,
        )

    def _told_tallies(self, *, whole: bool) -> Iterable[Tally]:
        changed = list(self._tallies if whole else self._tallied)
        self._tallied.clear()
        return [self._tallies[tags].told(tags) for tags in changed]

    def _indicator_slots(self, *, whole: bool) -> Iterable[IndicatorSlot]:
        for number, counts in enumerate(self._counts.indicators.values()):
            for position in counts.changed:
                counts.at(position).version = self._versions
            positions = [p for slots in counts.windows.values() for p in slots] if whole else list(counts.changed)
            counts.changed.clear()
            for position in positions:
                slot = counts.windows[position.window][position]
                yield IndicatorSlot(indicator=number, position=position, counts=slot)

    def _window_values(self, *, whole: bool) -> Iterable[WindowValues]:
        for number, counts in enumerate(self._counts.indicators.values()):
            for window in list(counts.values if whole else counts.changed_values):
                values = packed(counts.values[window].counts)
                yield WindowValues(indicator=number, window=window, values=values)
            counts.changed_values.clear()

    def _add_other(self, line: Drop | Transition | Audited | End) -> None:
        if isinstance(line, Drop):
            self._add_drop(line)
        elif isinstance(line, Transition):
            self._transitions.append(line)

    def _add_drop(self, drop: Drop) -> None:
        plan_tags = PlanTags(drop.scenario, drop.model, drop.stage, drop.measured, drop.target, drop.key)
        refused = drop.reason == GUARDRAIL
        if not refused:
            self._counts.add_drop(plan_tags, drop.intended_at_s)
        self._slots.add_drop(Tags(plan_tags, REFUSED if refused else DROPPED, None, drop.reason), drop.intended_at_s)
        self._last_due_at_s = max(self._last_due_at_s, drop.intended_at_s)


@dataclass
class _Process(Told):
    """The data that one process has sent."""

    number: int = 0
    indicators: defaultdict[int, SlotTable] = field(default_factory=lambda: defaultdict(SlotTable))
    windows: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """By objective and window, the values."""
    breakers: dict[str, Transition] = field(default_factory=dict)
    """The latest change of the breaker of each scope."""
    complete: bool = True
    """No snapshot of the process is missing."""


class MergedSnapshot:
    """The merged snapshots of all processes of a run."""

    def __init__(self, objectives: Sequence[Objective], run: RunInfo) -> None:
        self.run = run
        self.counts = ObjectiveCounts(objectives, run)
        self.totals: dict[Tags, TagCounts] = {}
        """By tags, the totals so far."""
        self._each = list(self.counts.indicators.values())
        self._processes: dict[int, _Process] = {}
        self._tags: dict[Tags, Tags] = {}
        """Each set of tags once, however many slots tell of it."""

    def replace(self, snapshot: Snapshot) -> bool:
        """Replace the known slots by those of a snapshot.

        Returns False if one before it is missing: the caller should request a whole one.
        """
        process = self._processes.setdefault(snapshot.worker, _Process())
        if snapshot.number <= process.number:
            return process.complete
        is_next = process.complete and snapshot.number == process.number + 1
        process.complete, process.number = snapshot.whole or is_next, snapshot.number
        for slot in snapshot.slots:
            self._replace_slot(process, slot)
        for one in snapshot.indicators:
            self._replace_counts(process, one)
        for values in snapshot.windows:
            self._replace_values(process, values)
        process.transitions[snapshot.transitions_from :] = snapshot.transitions
        process.breakers |= {change.scope: change for change in snapshot.transitions}
        process.first_start_s = snapshot.first_start_s
        process.last_due_at_s, process.last_end_s = snapshot.last_due_at_s, snapshot.last_end_s
        process.tallies |= {tally.tags: tally for tally in snapshot.tallies}
        process.late, process.in_flight, process.health = snapshot.late, snapshot.in_flight, snapshot.health
        if not snapshot.number % _SWEPT_EVERY:
            self._sweep(process)
        return process.complete

    @property
    def told(self) -> Mapping[int, Told]:
        """By the number of the process, what it has told."""
        return dict(self._in_order)

    @property
    def transitions(self) -> Sequence[Transition]:
        return [change for _, process in self._in_order for change in process.transitions]

    @property
    def breakers(self) -> Iterator[Transition]:
        """The latest change of each breaker that has changed its state, process by process."""
        return (change for _, process in self._in_order for change in process.breakers.values())

    @property
    def used(self) -> Mapping[Tags, Used]:
        return {tags: counts for tags, counts in self.totals.items() if counts.ended}

    @property
    def audit(self) -> None:
        """Answers are audited once the run is over."""

    @property
    def first_start_s(self) -> float | None:
        starts = [process.first_start_s for process in self._processes.values() if process.first_start_s is not None]
        return min(starts, default=None)

    @property
    def last_due_at_s(self) -> float:
        return max((process.last_due_at_s for process in self._processes.values()), default=0.0)

    @property
    def last_end_s(self) -> float:
        return max((process.last_end_s for process in self._processes.values()), default=0.0)

    def measures(self, scenario: str, metric: str) -> bool:
        found = (counts for tags, counts in self.totals.items() if tags.ok and tags.plan_tags.scenario == scenario)
        return any(counts.histograms.get(metric) for counts in found)

    def sample(self, objective: Objective, unanswered_s: Sequence[Sorted], window: Window | None) -> Sample:
        """Return the values to within 0.4 %; in windows, those of the slots whose middle lies in them."""
        values = GapCounts()
        for process in self._processes.values():
            for slot in process.slots.values():
                if self._is_wanted(objective, slot.tags) and (window is None or _is_in(slot.span, window)):
                    values.add(slot.span.begins_s, unpacked(slot.histograms.get(objective.metric, b"")))
        return GapSample(values, unanswered_s, objective.worst)

    def values(self, objective: Objective) -> Histogram:
        """Return the values that an objective on the whole run asks for, all seconds together."""
        return self.total(objective.metric, partial(self._is_wanted, objective))

    def total(self, metric: str, wanted: Callable[[Tags], bool]) -> Histogram:
        """Return the values of some requests, all seconds together."""
        whole = Histogram()
        for tags, counts in self.totals.items():
            if wanted(tags):
                whole.add_counts(counts.histograms.get(metric, {}))
        return whole

    def count(self, wanted: Callable[[Tags], bool]) -> int:
        """Return how many requests have ended with such tags, and how many such arrivals were not started."""
        return sum(counts.due for tags, counts in self.totals.items() if wanted(tags))

    def _sweep(self, process: _Process) -> None:
        self.counts.sweep()
        for slots in process.indicators.values():
            slots.sweep()

    @property
    def _in_order(self) -> list[tuple[int, _Process]]:
        return sorted(self._processes.items())

    def _is_wanted(self, objective: Objective, tags: Tags) -> bool:
        if not (within(objective.tags, tags.plan_tags) and of_outcome(objective.tags, tags)):
            return False
        if self.run.cut_off and tags.abandoned:
            return False
        return tags.ok or objective.one_outcome or objective.asks_all

    def _replace_slot(self, process: _Process, slot: Slot) -> None:
        """Replace a slot and, where it spans several seconds, those that it covers."""
        begins_s, width_s = slot.span
        known = process.slots.get((slot.tags, begins_s))
        if known is not None and (known.span.width_s, known.version) >= (width_s, slot.version):
            return
        slot.tags = self._tags.setdefault(slot.tags, slot.tags)
        totals = self.totals.setdefault(slot.tags, TagCounts())
        for second in range(begins_s, begins_s + width_s):
            old = process.slots.pop((slot.tags, second), None)
            if old is not None:
                totals.add(old, -1)
        process.slots[slot.tags, begins_s] = slot
        totals.add(slot)

    def _replace_counts(self, process: _Process, slot: IndicatorSlot) -> None:
        own_slots, position = process.indicators[slot.indicator], slot.position
        known = own_slots.get(position)
        if known is not None and known.version >= slot.counts.version:
            return
        own_slots[position] = slot.counts
        own = [other.indicators[slot.indicator].get(position) for _, other in self._in_order]
        self._each[slot.indicator].put(slot.position, [counts for counts in own if counts is not None])

    def _replace_values(self, process: _Process, values: WindowValues) -> None:
        place = values.indicator, values.window
        process.windows[place] = values.values
        own = (other.windows.get(place, b"") for other in self._processes.values())
        self._each[values.indicator].put_values(values.window, own)


def _is_in(span: Span, window: Window) -> bool:
    return window.begins_at_s <= span.begins_s + span.width_s / 2 < window.until_s
