"""Requests by their tags and by second, as one process keeps them for its snapshots.

Seconds older than ten minutes are merged in tens, and those older than an hour in sixties. The widest slots are doubled
as often as needed to bound their number, so that memory does not grow with the length of the run.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from relayload.core.metrics.catalog import METRICS, PER_CHUNK
from relayload.core.metrics.end_counts import Ended
from relayload.core.metrics.rows import Rows
from relayload.core.metrics.tokens import Tokens
from relayload.core.model.record import Attempt
from relayload.core.model.snapshot import Slot, Span
from relayload.core.model.tags import Tags
from relayload.core.stats.histogram import buckets, packed, unpacked

_TEN_AFTER_S, _SIXTY_AFTER_S = 600, 3600
_MOST_WIDE = 1440
_THROTTLED = "throttled"
_OF_STREAMS = frozenset(name for name, metric in METRICS.items() if metric.of_streams)
_OPEN_S = 5
"""Slots without additions for this long, in seconds, are kept in fewer bytes."""


class TagCounts:
    """The requests of one set of tags in some span of time, or in all of it."""

    __slots__ = (
        "due",
        "ended",
        "ends",
        "histograms",
        "retried",
        "retries",
        "sent_again",
        "throttled",
        "throttled_s",
        "tokens",
        "version",
    )

    def __init__(self) -> None:
        self.version = 0
        self.due = self.ended = self.retries = self.sent_again = self.throttled = 0
        self.ends: dict[int, Ended] = {}
        """By stretch of the plan."""
        self.throttled_s = 0.0
        self.tokens, self.retried = Tokens(), Tokens()
        self.histograms: dict[str, Counter[int]] = {}

    def __len__(self) -> int:
        """Return the number of requests that have ended."""
        return self.ended

    def add(self, slot: Slot, times: int = 1) -> None:
        """Count the requests of a slot, or subtract them where `times` is -1."""
        self.due += times * slot.due
        self.ended += times * slot.ended
        self.retries += times * slot.retries
        self.sent_again += times * slot.sent_again
        self.throttled += times * slot.throttled
        self.throttled_s += times * slot.throttled_s
        for stretch, ended in slot.ends.items():
            self.add_ended(stretch, Ended(*ended), times)
        self.tokens.add(slot.tokens, times)
        self.retried.add(slot.retried, times)
        for metric, data in slot.histograms.items():
            histogram = self.histogram(metric)
            for bucket, count in unpacked(data):
                histogram[bucket] += times * count

    def add_ended(self, stretch: int, ended: Ended, times: int = 1) -> None:
        self.ends[stretch] = self.ends.get(stretch, Ended()).plus(ended, times)

    def histogram(self, metric: str) -> "Counter[int]":
        if metric not in self.histograms:
            self.histograms[metric] = Counter()
        return self.histograms[metric]

    def slot(self, tags: Tags, span: Span) -> Slot:
        """Return the counts as a slot to send."""
        return Slot(
            tags=tags,
            span=span,
            version=self.version,
            due=self.due,
            ended=self.ended,
            retries=self.retries,
            tokens=self.tokens.numbers,
            retried=self.retried.numbers,
            histograms={metric: packed(counts) for metric, counts in self.histograms.items()},
            ends=dict(self.ends),
            sent_again=self.sent_again,
            throttled=self.throttled,
            throttled_s=self.throttled_s,
        )


class TagSlots:
    """The slots of one process."""

    def __init__(self, metrics: Iterable[str], edges: Sequence[float] = ()) -> None:
        """Keep histograms of these metrics, and of waits for our own quota; `edges` divide the plan into stretches."""
        self._metrics = tuple(metrics)
        self._edges = edges
        self._open: dict[tuple[Tags, Span], TagCounts] = {}
        """The slots with recent additions."""
        self._slots: dict[tuple[Tags, Span], Slot] = {}
        """All slots that were sent."""
        self._changed: dict[tuple[Tags, Span], None] = {}
        self._ten_until_s = self._wide_until_s = 0
        """Seconds before these instants are merged, in tens or to the widest slots."""
        self._wide_s = 60

    def add(self, tags: Tags, rows: Rows) -> None:
        """Count requests that have ended."""
        waited = any(rows[_THROTTLED])
        for second, part in _by_second(rows, rows.due_seconds):
            counts = self._at(tags, second)
            counts.due += len(part)
            for metric in self._metrics:
                if part.streamed or metric not in _OF_STREAMS:
                    _add_values(counts, metric, part)
            if waited and _THROTTLED not in self._metrics:
                _add_values(counts, _THROTTLED, part)
        for second, part in _by_second(rows, rows.end_seconds):
            counts = self._at(tags, second)
            before = counts.tokens.output
            counts.ended += len(part)
            counts.tokens.extend(part.attempts)
            self._add_ends(counts, second, part, counts.tokens.output - before)
            if waited:
                waits_s = [wait_s for wait_s in part[_THROTTLED] if wait_s > 0]
                counts.throttled += len(waits_s)
                counts.throttled_s += sum(waits_s)
            if not part.once:
                counts.retries += part.retries
                counts.retried.extend(_retried(part))
        if not rows.once:
            self._add_sent_again(tags, rows)

    def add_drop(self, tags: Tags, due_at_s: float) -> None:
        """Count an arrival that was not started."""
        self._at(tags, int(due_at_s)).due += 1

    def changed(self, now_s: float) -> list[Slot]:
        """Return the slots with additions since the last call, at that instant of the run."""
        self._take_together(now_s)
        found = []
        for ident in self._changed:
            counts = self._open[ident]
            counts.version += 1
            self._slots[ident] = counts.slot(*ident)
            found.append(self._slots[ident])
        self._changed.clear()
        for ident in [ident for ident in self._open if sum(ident[1]) + _OPEN_S < now_s]:
            del self._open[ident]
        return found

    @property
    def whole(self) -> list[Slot]:
        """Every slot, as last sent."""
        return list(self._slots.values())

    def _add_ends(self, counts: TagCounts, second: int, part: Rows, output_tokens: int) -> None:
        """Count requests that ended in a second by the stretch in which they did: mostly one, and one look tells."""
        first = bisect_left(self._edges, second)
        if bisect_left(self._edges, second + 1) == first:
            counts.add_ended(first, Ended(len(part), output_tokens))
        else:
            for ends_s, tokens in zip(part.ends_s, part.output_tokens, strict=True):
                counts.add_ended(bisect_left(self._edges, ends_s), Ended(1, tokens))

    def _add_sent_again(self, tags: Tags, rows: Rows) -> None:
        for record, attempts in zip(rows.records, rows.retry_counts, strict=True):
            if attempts > 1:
                for attempt in record.attempts[1:]:
                    if attempt.sent_at_s is not None:
                        self._at(tags, math.floor(attempt.sent_at_s)).sent_again += 1

    def _at(self, tags: Tags, second: int) -> TagCounts:
        ident = tags, self._span(second)
        self._changed[ident] = None
        counts = self._open.get(ident)
        if counts is None:
            counts = self._open[ident] = TagCounts()
            if ident in self._slots:
                counts.add(self._slots[ident])
                counts.version = self._slots[ident].version
        return counts

    def _span(self, second: int) -> Span:
        if second >= self._ten_until_s:
            return Span(second)
        width_s = self._wide_s if second < self._wide_until_s else 10
        return Span(second - second % width_s, width_s)

    def _take_together(self, now_s: float) -> None:
        ten_until_s = max(0, int(now_s - _TEN_AFTER_S) // 10 * 10)
        if ten_until_s == self._ten_until_s:
            return
        self._ten_until_s = ten_until_s
        while now_s > self._wide_s * _MOST_WIDE:
            self._wide_s *= 2
        self._wide_until_s = max(0, int(now_s - _SIXTY_AFTER_S) // self._wide_s * self._wide_s)
        for tags, span in [*self._open, *self._slots]:
            if span.begins_s < ten_until_s and self._span(span.begins_s) != span:
                self._widen(tags, span)

    def _widen(self, tags: Tags, span: Span) -> None:
        counts = self._open.pop((tags, span), None)
        sent = self._slots.pop((tags, span), None)
        self._changed.pop((tags, span), None)
        slot = counts.slot(tags, span) if counts is not None else sent
        if slot is not None:
            self._at(tags, span.begins_s).add(slot)


def _add_values(counts: TagCounts, metric: str, rows: Rows) -> None:
    if metric in PER_CHUNK:
        histogram = counts.histogram(metric)
        for answer in rows.answers:
            for bucket, count in zip(answer.chunk_gaps[::2], answer.chunk_gaps[1::2], strict=False):
                histogram[bucket] += count
    elif values := [value for value in rows[metric] if value == value]:
        counts.histogram(metric).update(buckets(values))


def _by_second(rows: Rows, seconds: Sequence[int]) -> Iterator[tuple[int, Rows]]:
    """Yield the requests of each second; mostly there is one."""
    first = seconds[0]
    if seconds.count(first) == len(seconds):
        yield first, rows
        return
    for second in dict.fromkeys(seconds):
        yield second, rows.where([own == second for own in seconds])


def _retried(rows: Rows) -> list[Attempt]:
    return list(chain.from_iterable(record.attempts[:-1] for record in rows.records))
