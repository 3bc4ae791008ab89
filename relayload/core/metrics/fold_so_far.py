"""The fold of a run that goes on, from what its processes have told: a fold with less in it.

It counts what has ended. Values are known to within 0.4 %, and instants to within the widest slot that a process has
told. What no process tells is empty: the slowest requests, when each was sent, and which arrivals are on record.
"""

from array import array
from collections.abc import Iterator, Mapping

from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.end_cells import Cells, stretch_edges
from relayload.core.metrics.end_counts import EndCounts, Ended
from relayload.core.metrics.fold import Counts, Fold
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.metrics.told import Told
from relayload.core.model.run import RunInfo
from relayload.core.model.snapshot import Slot, Span
from relayload.core.model.tags import DROPPED, REFUSED, Tags
from relayload.core.stats.histogram import unpacked

_THROTTLED = "throttled"


class FoldSoFar(Fold):
    """A fold of what has ended so far."""

    __slots__ = ("_edges", "_late", "_now_s", "_width_s")

    so_far = of_snapshots = True

    def __init__(self, told: Mapping[int, Told], run: RunInfo, counts: Counts | None = None) -> None:
        """Add up what was told until the run's `ended_at_s`."""
        super().__init__(counts=counts, cells=Cells.of(run))
        self.condensed = True
        self._edges, self._now_s = stretch_edges(run), run.ended_at_s or 0.0
        self._late = 0
        slots = [slot for each in told.values() for slot in each.slots.values()]
        self._width_s = float(max((slot.span.width_s for slot in slots), default=1))
        for slot in slots:
            self._add_slot(slot)
        for worker, each in told.items():
            self._add_told(worker, each)
            self._add_open(each)

    def count_late(self, late_s: float) -> int:  # noqa: ARG002 -- they were counted by that threshold
        return self._late

    @property
    def started(self) -> int:
        return sum(map(len, self.by_tags.values()))

    @property
    def slot_s(self) -> float:
        return self._width_s

    def _add_told(self, worker: int, told: Told) -> None:
        for tags, tally in told.tallies.items():
            self._tagged(tags).add(tally)
        self._late += told.late
        self.transitions.extend(told.transitions)
        self.lines_of[worker] = sum(slot.due for slot in told.slots.values())
        self.last_due_at_s = max(self.last_due_at_s, told.last_due_at_s)
        self.last_end_s = max(self.last_end_s, told.last_end_s)
        if told.first_start_s is not None:
            self.starts.add([told.first_start_s])

    def _add_open(self, told: Told) -> None:
        """Add what has begun and not ended: requests, and the process itself."""
        self.due_in.update(told.in_flight)
        self.last_due_at_s = max(self.last_due_at_s, *map(float, told.in_flight), 0.0)
        self.last_at_s = max(self.last_at_s, self.last_end_s, self.last_due_at_s)
        if told.health is not None:
            self.ends.append(told.health)

    def _add_slot(self, slot: Slot) -> None:
        middle_s = slot.span.begins_s + slot.span.width_s / 2
        if slot.tags.outcome in (DROPPED, REFUSED):
            self._add_unstarted(slot, middle_s)
            return
        tagged = self._tagged(slot.tags)
        tagged.tokens.add(slot.tokens)
        tagged.retried.add(slot.retried)
        tagged.retries += slot.retries
        assert tagged.condensed is not None
        tagged.condensed.add_counted(middle_s, slot.due, dict(_histograms(slot)))
        tagged.condensed.add_waits(slot.throttled, slot.throttled_s)
        tagged.gaps.add(slot.span.begins_s, unpacked(slot.histograms.get("chunk_gap", b"")))
        for stretch, ended in slot.ends.items():
            cell = self.cells.number(self._until_s(slot.span, stretch))
            tagged.ends.add_counted(cell, Ended(*ended))
        self.due_in[slot.span.begins_s] += slot.due
        self.retry_starts.add([middle_s] * slot.sent_again)

    def _add_unstarted(self, slot: Slot, middle_s: float) -> None:
        refused = slot.tags.outcome == REFUSED
        drops = self.refused if refused else self.drops
        drops.setdefault(slot.tags.plan_tags, array("d")).extend([middle_s] * slot.due)
        if not refused:
            self.drop_reasons[slot.tags.error or ""] += slot.due

    def _until_s(self, span: Span, stretch: int) -> float:
        """Return an instant of the cell in which to count what ended in a span and in a stretch of the plan.

        All that ended in the second of the latest instant had ended by then.
        """
        edges = (*self._edges[stretch : stretch + 1], self._now_s)
        return min(edge for edge in (*edges, float(sum(span))) if edge >= span.begins_s)

    def _tagged(self, tags: Tags) -> TaggedRequests:
        if tags not in self.by_tags:
            tagged = self.by_tags[tags] = TaggedRequests(ends=EndCounts(self.cells))
            tagged.condensed = Condensed(self._width_s)
        return self.by_tags[tags]


def _histograms(slot: Slot) -> Iterator[tuple[str, dict[int, int]]]:
    """Yield the counts of buckets by metric; waits for our own quota are told where there are any."""
    for metric, data in slot.histograms.items():
        if metric not in ("chunk_gap", _THROTTLED):
            yield metric, dict(unpacked(data))
    waits = dict(unpacked(slot.histograms.get(_THROTTLED, b"")))
    yield _THROTTLED, waits | {0: waits.get(0, 0) + slot.due - sum(waits.values())}
