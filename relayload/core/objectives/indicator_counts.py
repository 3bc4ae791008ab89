"""The counts of requests for an objective, by slot of time, made while requests are folded.

The same counts serve a run in progress, where those of all processes add up, and the judging of its records. Requests
are counted by the second in which they were due, since neighbours in that order are slow together; for what is judged
per second, by the cell of time in which they ended.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress
from operator import mul
from typing import TypeVar

from relayload.core.metrics.catalog import METRICS, PER_CHUNK
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.missing import measured, missing
from relayload.core.metrics.retry_counts import retry_cause
from relayload.core.metrics.rows import Rows, added_up
from relayload.core.model.run import RunInfo
from relayload.core.model.snapshot import Position, SlotCounts
from relayload.core.model.tags import PlanTags, Tags
from relayload.core.objectives.answer_facts import FACTS, stalls
from relayload.core.objectives.gap_bounds import gaps_off
from relayload.core.objectives.goodput import unmet
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.slot_table import SlotTable
from relayload.core.objectives.tag_filter import counts_for, of_kind, of_outcome, within
from relayload.core.objectives.time_slots import WINDOW_BITS, Grid
from relayload.core.stats.histogram import Histogram, buckets, middle_s, unpacked

Key = TypeVar("Key")
Value = TypeVar("Value")


class IndicatorCounts:
    """The counts for one objective. Adding and merging commute."""

    def __init__(self, objective: Objective, run: RunInfo) -> None:
        self.objective = objective
        self.windows: dict[int, SlotTable] = {}
        """By the number of the window; 0 for objectives without windows."""
        self.values: dict[int, Histogram] = {}
        """By window, the values for the percentiles of windows."""
        self.changed_values: set[int] = set()
        """The windows whose values changed since the caller last cleared this."""
        self.changed: set[Position] = set()
        """The positions that changed since the caller last cleared this."""
        self.most_n: Counter[int] = Counter()
        """By window, how many requests were counted there, if every scenario has the metric."""
        self._grid = Grid.of(objective, run)
        self._streaming = run.streaming
        self._waits_for_token = (
            METRICS[objective.metric].of_first_token and objective.quantile is not None and not objective.one_outcome
        )
        """A stream that ended ok without a token is as bad as one without an answer."""

    def add(self, tags: Tags, rows: Rows) -> None:
        """Count requests that have ended."""
        objective = self.objective
        if not counts_for(objective, tags.plan_tags):
            return
        if self._grid.over_s is not None and (tags.ok or tags.failed):
            self._add_due(self._slots_of(tags), self._grid.when_due.counts(rows))
        if of_outcome(objective.tags, tags):
            _COUNT[_way(objective)](self, tags, rows)
            if tags.ok and METRICS[objective.metric].may_be_missing:
                self._count_missing(tags, rows)

    def add_drop(self, plan_tags: PlanTags, due_at_s: float) -> None:
        """Count an arrival that could not be started, and so never ends."""
        objective = self.objective
        if not within(objective.tags, plan_tags):
            return
        slots, one = self._slots(plan_tags.scenario), {self._grid.when_due.code(due_at_s): 1}
        if self._grid.over_s is not None:
            self._add_due(slots, one)
        if objective.by_end:
            return
        if objective.metric == "goodput":
            self._add_counts(slots, one, one)
        elif objective.quantile is not None and not objective.one_outcome:
            self._unanswered(slots, one)

    def merge(self, other: "IndicatorCounts") -> None:
        for slots in other.windows.values():
            for position, counts in slots.items():
                self.at(position).add(counts)
        for window, values in other.values.items():
            self._values_in(window).merge(values)

    @property
    def cells(self) -> Cells | None:
        """The cells in which requests count when they end; None where they count when they are due."""
        return self._grid.cells

    def between(self, spans: Sequence[tuple[float, float]]) -> Callable[[Position], bool]:
        """Return whether requests at a position ended in one of these spans, which are in order and apart.

        An instant that nobody knew when requests were counted, as of an early end, stands for the end of its second.
        """
        assert self._grid.cells is not None
        bounds = [self._grid.cells.bounds(*span) for span in spans]
        lasts = [last for _, last in bounds]

        def inside(position: Position) -> bool:
            number = bisect_left(lasts, position.second)
            return number < len(bounds) and bounds[number][0] < position.second

        return inside

    def put(self, position: Position, parts: Sequence[SlotCounts]) -> None:
        """Replace the counts of a position by the sum of what several processes counted."""
        slots = self._slots_in(position.window)
        known = slots.get(position, SlotCounts())
        counts = parts[0] if len(parts) == 1 else _summed(parts)
        slots[position] = counts
        self.changed.add(position)
        self.most_n[position.window] += counts.n + counts.unanswered - known.n - known.unanswered

    def sweep(self) -> None:
        """Keep counts that did not change since the last call in less room."""
        for slots in self.windows.values():
            slots.sweep()

    def _slots_in(self, window: int) -> SlotTable:
        found = self.windows.get(window)
        if found is None:
            found = self.windows[window] = SlotTable()
        return found

    def put_values(self, window: int, parts: Iterable[bytes]) -> None:
        """Replace the values of a window by those of several processes, as `histogram.packed` writes them."""
        self.values[window] = Histogram()
        for part in parts:
            self.values[window].add_counts(dict(unpacked(part)))

    def at(self, position: Position) -> SlotCounts:
        """Return the counts of a position for the caller to change."""
        self.changed.add(position)
        slots = self._slots_in(position.window)
        found = slots.get(position)
        if found is None:
            found = slots[position] = SlotCounts()
        return found

    def _count_values(self, tags: Tags, rows: Rows) -> None:
        """Count the values of a percentile, and requests without one although somebody waited."""
        objective, slots = self.objective, self._slots_of(tags)
        if objective.one_outcome or objective.asks_all or tags.ok:
            self._compare(slots, rows)
            if self._waits_for_token and tags.ok and self._streams(tags):
                empty = [ttft != ttft for ttft in rows["ttft"]]
                self._unanswered(slots, Counter(compress(self._grid.codes(rows), empty)))
        elif tags.failed:
            self._unanswered(slots, self._grid.counts(rows))

    def _count_missing(self, tags: Tags, rows: Rows) -> None:
        """Count ok answers that have the metric, and those that should have it and do not."""
        slots, metric, has_value = self._slots_of(tags), self.objective.metric, measured(rows, self.objective.metric)
        if all(has_value):
            for code, count in _somewhere(self._grid.counts(rows)):
                slots(code).measured += count
            return
        streams = self._streams(tags) and not self._waits_for_token
        lacks_value, codes = missing(rows, metric, has_value, streams=streams), self._grid.codes(rows)
        for code, has, lacks in zip(codes, has_value, lacks_value, strict=True):
            if code >= 0 and (has or lacks):
                slots(code).measured += has
                slots(code).missing += lacks

    def _streams(self, tags: Tags) -> bool:
        return tags.plan_tags.scenario in self._streaming

    def _count_means(self, tags: Tags, rows: Rows) -> None:
        """Count the values of a mean: of requests that ended ok, or with the outcome of an `outcome` tag."""
        if tags.ok or self.objective.one_outcome:
            off = [value - self.objective.limit for value in rows[self.objective.metric]]
            for code, values in _by_code(self._grid.codes(rows), off):
                self._add_sum(self._slots_of(tags), code, len(values), math.fsum(values), sum(map(mul, values, values)))
            if not rows.exact:
                self._count_mean_errors(tags, rows)

    def _count_mean_errors(self, tags: Tags, rows: Rows) -> None:
        """Add up how far the values of a mean may be off."""
        metric, slots = self.objective.metric, self._slots_of(tags)
        for code, value, least, most in zip(self._grid.codes(rows), rows[metric], *rows.bounds(metric), strict=True):
            if code >= 0 and value == value:
                slots(code).too_large += value - least
                slots(code).too_small += most - value

    def _count_gaps(self, tags: Tags, rows: Rows) -> None:
        """Count the gaps between chunks, including those of broken streams."""
        objective, slots, codes = self.objective, self._slots_of(tags), self._grid.codes(rows)
        n: Counter[int] = Counter()
        bad: Counter[int] = Counter()
        bad_at_least: Counter[int] = Counter()
        is_beyond = _Remembered[int, bool](lambda bucket: self._beyond(middle_s(bucket))).__getitem__
        for code, answer in zip(codes, rows.answers, strict=True):
            gaps = answer.chunk_gaps
            if gaps and not len(gaps) % 2:
                n[code] += sum(gaps[1::2])
                measured = sum(compress(gaps[1::2], map(is_beyond, gaps[::2])))
                fewer, more = (0, 0) if answer.gap_errors is None else gaps_off(objective, gaps, answer.gap_errors)
                bad[code] += measured + more
                bad_at_least[code] += max(0, measured - fewer)
        self._add_counts(slots, n, bad, bad_at_least)
        if tags.ok:
            for code, count in _somewhere(n):
                slots(code).total += count
            for code, count in _somewhere(self._grid.counts(rows)):
                slots(code).ended_ok += count
        elif tags.failed and not objective.one_outcome:
            self._unanswered(slots, self._grid.counts(rows))

    def _count_gap_means(self, tags: Tags, rows: Rows) -> None:
        if tags.ok or self.objective.one_outcome:
            slots, limit = self._slots_of(tags), self.objective.limit
            for code, answer in zip(self._grid.codes(rows), rows.answers, strict=True):
                gaps = answer.chunk_gaps
                if code >= 0 and gaps and not len(gaps) % 2:
                    off, counts = [middle_s(bucket) - limit for bucket in gaps[::2]], gaps[1::2]
                    squares = sum(map(mul, map(mul, off, off), counts))
                    self._add_sum(slots, code, sum(counts), sum(map(mul, off, counts)), squares)

    def _count_errors(self, tags: Tags, rows: Rows) -> None:
        slots, counts = self._slots_of(tags), self._grid.counts(rows)
        if not (tags.ok or tags.failed):
            for code, count in _somewhere(counts):
                slots(code).cancelled += count
            return
        is_bad = tags.failed and all(of_kind(tag, tags) for tag in self.objective.tagged("kind"))
        self._add_counts(slots, counts, counts if is_bad else {})

    def _count_retries(self, tags: Tags, rows: Rows) -> None:
        slots = self._slots_of(tags)
        self._add_counts(slots, self._grid.counts(rows), {})
        if rows.once:
            return
        kinds = self.objective.tagged("kind")
        retries = [
            sum(all(of_kind(tag, retry_cause(attempt)) for tag in kinds) for attempt in record.attempts[:-1])
            for record in rows.records
        ]
        bad: Counter[int] = Counter()
        for code, count in zip(self._grid.codes(rows), retries, strict=True):
            bad[code] += count
        self._add_counts(slots, {}, bad)

    def _count_goods(self, tags: Tags, rows: Rows) -> None:
        """Count good and bad requests; cancelled ones are neither, but show that their scenario was requested."""
        counts = self._grid.counts(rows)
        if tags.ok and self.objective.conditions:
            found = Counter(zip(self._grid.codes(rows), *unmet(rows, self.objective.conditions), strict=True))
            for (code, bits, doubtful), count in found.items():
                self._add_counts(self._slots_of(tags, bits, doubtful), {code: count}, {})
        elif tags.ok or tags.failed:
            self._add_counts(self._slots_of(tags), counts, counts if tags.failed else {})
        else:
            self._add_counts(self._slots_of(tags), dict.fromkeys(counts, 0), {})

    def _count_facts(self, tags: Tags, rows: Rows) -> None:
        """Count what single answers say."""
        conditions = self.objective.conditions
        fact = stalls(conditions[0]) if conditions else FACTS[self.objective.metric]
        found = list(map(fact, rows.answers))
        codes = self._grid.codes(rows)
        counts = (added_up(codes, column) for column in zip(*found, strict=True))
        self._add_counts(self._slots_of(tags), *counts)

    def _count_requests(self, tags: Tags, rows: Rows) -> None:
        """Count requests, and those that ended ok."""
        slots = self._slots_of(tags)
        for code, count in _somewhere(self._grid.counts(rows)):
            own = slots(code)
            own.n += count
            own.ended_ok += count * tags.ok

    def _count_tokens(self, tags: Tags, rows: Rows) -> None:
        self._count_requests(tags, rows)
        if tags.ok:
            slots = self._slots_of(tags)
            for code, tokens in _somewhere(self._grid.tokens(rows)):
                slots(code).total += tokens

    def _slots_of(self, tags: Tags, bits: int = 0, doubtful: int = 0) -> Callable[[int], SlotCounts]:
        return self._slots(tags.plan_tags.scenario, bits, doubtful, abandoned=tags.abandoned)

    def _slots(
        self, scenario: str, bits: int = 0, doubtful: int = 0, *, abandoned: bool = False
    ) -> Callable[[int], SlotCounts]:
        """Return a function from a slot's code to the counts of these requests."""

        def at(code: int) -> SlotCounts:
            window, second = divmod(code, 1 << WINDOW_BITS)
            return self.at(Position(window, second, scenario, bits, abandoned, doubtful))

        return _Remembered(at).__getitem__

    @property
    def _beyond(self) -> Callable[[float], bool]:
        return self.objective.op.beyond(self.objective.limit)

    def _compare(self, slots: Callable[[int], SlotCounts], rows: Rows) -> None:
        """Count the values of requests that have one, and those that are beyond the limit."""
        values: Sequence[float] = rows[self.objective.metric]
        codes, counts = self._grid.codes(rows), self._grid.counts(rows)
        least, most = rows.bounds(self.objective.metric)
        better, worse = (least, most) if self.objective.op.ceiling else (most, least)
        if not math.isfinite(sum(values)):
            measured = [value == value for value in values]
            codes = list(compress(codes, measured))
            values, better, worse = (list(compress(each, measured)) for each in (values, better, worse))
            counts = Counter(codes)
        if self.objective.options.over_s is not None:
            for (code, bucket), count in Counter(zip(codes, buckets(values), strict=True)).items():
                if code >= 0:
                    self._values_in(code >> WINDOW_BITS).add_bucket(bucket, count)
        beyond = list(map(self._beyond, worse))
        at_most = Counter(compress(codes, beyond)) if True in beyond else {}
        at_least = at_most if rows.exact else Counter(compress(codes, map(self._beyond, better)))
        self._add_counts(slots, counts, at_most, at_least)

    def _values_in(self, window: int) -> Histogram:
        self.changed_values.add(window)
        if window not in self.values:
            self.values[window] = Histogram()
        return self.values[window]

    def _add_due(self, slots: Callable[[int], SlotCounts], counts: Mapping[int, int]) -> None:
        for code, count in _somewhere(counts):
            slots(code).due += count

    def _unanswered(self, slots: Callable[[int], SlotCounts], counts: Mapping[int, int]) -> None:
        for code, count in _somewhere(counts):
            slots(code).unanswered += count

    def _add_counts(
        self,
        slots: Callable[[int], SlotCounts],
        n: Mapping[int, int],
        bad: Mapping[int, int],
        bad_at_least: Mapping[int, int] | None = None,
    ) -> None:
        """Add counts. `bad` are those by the worse bounds, and also by the better ones unless those are given."""
        for code, count in _somewhere(n):
            slots(code).n += count
        for code, count in _somewhere(bad):
            slots(code).bad_at_most += count
        for code, count in _somewhere(bad if bad_at_least is None else bad_at_least):
            slots(code).bad_at_least += count

    def _add_sum(self, slots: Callable[[int], SlotCounts], code: int, n: int, total: float, squares: float) -> None:
        own = slots(code)
        own.n += n
        own.total += total
        own.squares += squares


class _Remembered(dict[Key, Value]):
    """The values of a function, each computed once."""

    def __init__(self, function: Callable[[Key], Value]) -> None:
        self._function = function

    def __missing__(self, key: Key) -> Value:
        value = self[key] = self._function(key)
        return value


def _summed(parts: Iterable[SlotCounts]) -> SlotCounts:
    whole = SlotCounts()
    for part in parts:
        whole.add(part)
    return whole


def _somewhere(counts: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Return the counts of each slot, without requests in no window."""
    return ((code, count) for code, count in counts.items() if code >= 0)


def _by_code(codes: Sequence[int], values: Sequence[float]) -> Iterator[tuple[int, list[float]]]:
    """Return the measured values of each slot."""
    found: dict[int, list[float]] = {}
    for code, value in zip(codes, values, strict=True):
        if value == value and code >= 0:
            found.setdefault(code, []).append(value)
    return iter(found.items())


def _way(objective: Objective) -> str:
    """Return how requests are counted for an objective; batches and costs have other sums."""
    if METRICS[objective.metric].distribution:
        gaps = "gaps" if objective.metric in PER_CHUNK else "values"
        return gaps if objective.quantile is not None else f"means of {gaps}"
    return objective.metric


_COUNT: Mapping[str, Callable[[IndicatorCounts, Tags, Rows], None]] = {
    "values": IndicatorCounts._count_values,
    "means of values": IndicatorCounts._count_means,
    "gaps": IndicatorCounts._count_gaps,
    "means of gaps": IndicatorCounts._count_gap_means,
    "errors": IndicatorCounts._count_errors,
    "retries": IndicatorCounts._count_retries,
    "goodput": IndicatorCounts._count_goods,
    "requests": IndicatorCounts._count_requests,
    "throughput": IndicatorCounts._count_requests,
    "output_tokens": IndicatorCounts._count_tokens,
    "breaker": IndicatorCounts._count_requests,
    "stall": IndicatorCounts._count_facts,
    **dict.fromkeys(FACTS, IndicatorCounts._count_facts),
}


class ObjectiveCounts:
    """The counts of several objectives; objectives with the same indicator share theirs."""

    def __init__(self, objectives: Iterable[Objective], run: RunInfo) -> None:
        counted = (objective for objective in objectives if _way(objective) in _COUNT)
        self.indicators = {objective.indicator: IndicatorCounts(objective, run) for objective in counted}

    def __getitem__(self, objective: Objective) -> IndicatorCounts:
        """Return the counts for an objective. Raises KeyError for one that is not counted."""
        return self.indicators[objective.indicator]

    def lacks(self, objective: Objective) -> bool:
        """Return whether the objective takes counts that are not among these."""
        return _way(objective) in _COUNT and objective.indicator not in self.indicators

    @property
    def gaps_in_windows(self) -> bool:
        """Gaps between chunks are needed window by window."""
        return any(one.metric in PER_CHUNK and one.over_s for one in self.indicators)

    def add(self, tags: Tags, rows: Rows) -> None:
        """Count requests that have ended."""
        for counts in self.indicators.values():
            counts.add(tags, rows)

    def add_drop(self, plan_tags: PlanTags, due_at_s: float) -> None:
        """Count an arrival that could not be started."""
        for counts in self.indicators.values():
            counts.add_drop(plan_tags, due_at_s)

    def sweep(self) -> None:
        """Keep counts that did not change since the last call in less room."""
        for counts in self.indicators.values():
            counts.sweep()

    def merge(self, other: "ObjectiveCounts") -> None:
        for indicator, counts in other.indicators.items():
            self.indicators[indicator].merge(counts)
