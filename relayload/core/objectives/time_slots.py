"""Slots of time in which requests are counted for objectives, just ended or recorded."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, repeat

from relayload.core.metrics.catalog import PER_CHUNK
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.rows import Rows, added_up
from relayload.core.model.run import RunInfo
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.tag_filter import joined

SLOT_S = 1.0
_LEAST_SLOTS = 10
_NOWHERE = -1
_ROUNDING = 1e-9
"""The part of a window by which the sum of its stages may miss its length."""
WINDOW_BITS = 32
"""The number of bits below the number of the window in the code of a slot."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The slots of an objective by the plan of the run, in its windows where it has any."""

    spans: tuple[tuple[float, float], ...] = ()
    over_s: float | None = None
    by_second: bool = False
    """Slots are seconds of the run even in windows, as for gaps between chunks."""
    cells: Cells | None = None
    """Where requests count when they end, the slots of the whole run; None where they count when they are due."""
    by_end: bool = False
    """Nothing counts after the end of a row of windows."""

    @classmethod
    def of(cls, objective: Objective, run: RunInfo) -> "Grid":
        over_s, cells = objective.options.over_s, Cells.of(run) if objective.by_end else None
        if over_s is None:
            return cls(cells=cells)
        spans = tuple(span for span in planned_spans(objective, run) if span[0] < span[1])
        return cls(spans, over_s, objective.metric in PER_CHUNK, cells, objective.by_end)

    @property
    def when_due(self) -> "Grid":
        """The same slots for requests that count when they are due."""
        return self if self.cells is None else replace(self, cells=None)

    def codes(self, rows: Rows) -> Sequence[int]:
        """Return the slot of each request, with its window in the upper bits; negative outside all windows."""
        if self.over_s is None:
            return rows.due_seconds if self.cells is None else rows.end_cells(self.cells)
        if self not in rows.slots:
            instants_s = self._instants_s(rows)
            if self._in_seconds:
                seconds = list(map(int, instants_s))
                code_of = {second: self.code(second) for second in set(seconds)}
                codes = list(map(code_of.__getitem__, seconds))
            else:
                codes = list(map(self.code, instants_s))
            rows.slots[self] = codes, Counter(codes)
        return rows.slots[self][0]

    def counts(self, rows: Rows) -> Mapping[int, int]:
        """Return the number of requests in each slot."""
        if self.over_s is None:
            return rows.due_in if self.cells is None else rows.ended_in(self.cells)
        self.codes(rows)
        return rows.slots[self][1]

    def tokens(self, rows: Rows) -> Mapping[int, int]:
        """Return the output tokens of the requests in each slot."""
        if self.over_s is None and self.cells is not None:
            return rows.tokens_in(self.cells)
        return added_up(self.codes(rows), rows.output_tokens)

    @property
    def _in_seconds(self) -> bool:
        """Windows and slots are made of whole seconds of the run, so that no code changes within one."""
        edges = [edge for span in self.spans for edge in span if math.isfinite(edge)]
        return not any(edge % 1 for edge in (*edges, self.over_s or 0.0, slot_s(self.over_s)))

    def _instants_s(self, rows: Rows) -> Iterable[float]:
        """Return when each request counts; one that ended at the very end of a window still counts in that."""
        return rows.due_at_s if self.cells is None else map(math.nextafter, rows.ends_s, repeat(0.0))

    def code(self, at_s: float) -> int:
        """Return the slot of a request that counts at that instant.

        What was due after the end of a row is in the last window of that; what ended later is in none.
        """
        if self.over_s is None:
            return int(at_s)
        begun = [span for span in self.spans if span[0] <= at_s]
        if not begun or (self.by_end and at_s >= begun[-1][1]):
            return _NOWHERE
        *rows, (begins_at_s, ends_at_s) = begun
        before = sum(int(window_count(*row, self.over_s)) for row in rows)
        number = slot_of(at_s, begins_at_s, self.over_s)
        if at_s >= ends_at_s - self.over_s:
            number = int(min(number, window_count(begins_at_s, ends_at_s, self.over_s) - 1))
        window_s = begins_at_s + number * self.over_s
        slot = int(at_s) if self.by_second else slot_of(at_s, window_s, slot_s(self.over_s))
        return (before + number << WINDOW_BITS) + slot


def windows(begins_at_s: float, ends_at_s: float, length_s: float) -> Iterator[tuple[float, float]]:
    """Yield the windows of that length from the beginning on, of which the last may be shorter."""
    count = int(window_count(begins_at_s, ends_at_s, length_s))
    edges = (begins_at_s + number * length_s for number in range(count))
    return pairwise(chain(edges, [ends_at_s]))


def window_count(begins_at_s: float, ends_at_s: float, length_s: float) -> float:
    """Return the number of windows of that length, of which the last may be shorter; infinite without an end."""
    exact = (ends_at_s - begins_at_s) / length_s
    return max(0, math.ceil(exact - _ROUNDING)) if math.isfinite(exact) else math.inf


def is_whole(begins_at_s: float, ends_at_s: float, length_s: float) -> bool:
    """Return whether a window has the full length."""
    return (ends_at_s - begins_at_s) / length_s > 1 - 1e-6


def planned_spans(objective: Objective, run: RunInfo) -> list[tuple[float, float]]:
    """Return the planned start and end of the measured stages that the tags admit, consecutive ones as one."""
    tags = objective.tagged("stage")
    planned = (span for span in run.spans(math.inf) if not span.stage.warmup)
    admitted = [span for span in planned if all(tag.admits(span.stage.name) for tag in tags)]
    return joined([(span.begins_at_s, span.ends_at_s) for span in admitted])


def slot_s(over_s: float | None) -> float:
    """Return the width of slots in seconds: 1, or less in short windows, so that each has ten slots."""
    return SLOT_S if over_s is None else min(SLOT_S, over_s / _LEAST_SLOTS)


def slot_of(at_s: float, begins_at_s: float, width_s: float) -> int:
    """Return the number of the slot that holds an instant, given when the first begins.

    Slot i begins at begins_at_s + i * width_s in floating point, which may differ from the result of a division.
    """
    number = int((at_s - begins_at_s) / width_s)
    while at_s >= begins_at_s + (number + 1) * width_s:
        number += 1
    while at_s < begins_at_s + number * width_s:
        number -= 1
    return number
