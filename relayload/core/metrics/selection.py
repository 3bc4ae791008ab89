"""Requests of several tags together, and samples of their metrics in the order of the schedule."""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce

from relayload.core.metrics.catalog import PER_CHUNK
from relayload.core.metrics.chunk_gaps import GapCounts
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.end_cells import Spans
from relayload.core.metrics.end_counts import Ended
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.model.tags import Tags
from relayload.core.stats.ranks import Ranks, Sorted, repeated, together
from relayload.core.stats.sample import TAILS, Moments, Sample
from relayload.core.stats.slotted_values import SlottedValues, by_due_time, slot_width_s


class Selection:
    """The requests that a table or an objective covers."""

    def __init__(self, by_tags: dict[Tags, TaggedRequests]) -> None:
        self.by_tags = by_tags

    def where(self, wanted: Callable[[Tags], bool]) -> "Selection":
        return Selection({tags: tagged for tags, tagged in self.by_tags.items() if wanted(tags)})

    @property
    def count(self) -> int:
        return sum(map(len, self.by_tags.values()))

    def ended(self, spans: Spans) -> Ended:
        """Return how many of the requests ended in these spans of time, and their tokens."""
        return reduce(Ended.plus, (tagged.ends.within(spans) for tagged in self.by_tags.values()), Ended())

    @property
    def last_end_s(self) -> float:
        """When the last of the requests ended; 0 without any."""
        return max((tagged.last_end_s for tagged in self.by_tags.values()), default=0.0)

    def by_outcome(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for tags, tagged in sorted(self.by_tags.items(), key=lambda item: item[0].outcome):
            counts[tags.outcome] = counts.get(tags.outcome, 0) + len(tagged)
        return counts

    def gaps(self) -> GapCounts:
        all_tagged = list(self.by_tags.values())
        merged = GapCounts(all_tagged[0].gaps.width_s) if all_tagged else GapCounts()
        for tagged in all_tagged:
            merged.merge(tagged.gaps)
        return merged

    def measures(self, metric: str) -> bool:
        """Return whether any of the requests has a value of a metric."""
        if metric in PER_CHUNK:
            return any(len(tagged.gaps) for tagged in self.by_tags.values())
        return any(len(tagged.values.ordered(metric)) for tagged in self.by_tags.values())


class Series(Sample):
    """The values of a metric over a selection, with requests without an answer as infinitely bad values.

    `worst` is that infinity; the slowest requests are those at that end of the sample.
    """

    def __init__(
        self, selection: Selection, metric: str, unanswered_s: Sequence[Sorted] = (), worst: float = math.inf
    ) -> None:
        """Each request due at an instant of `unanswered_s` has no answer."""
        self._values = [tagged.values for tagged in selection.by_tags.values()]
        self._metric = metric
        self._unanswered_s = unanswered_s
        self._worst = worst

    @cached_property
    def ordered(self) -> Ranks:
        unanswered = repeated(self._worst, sum(map(len, self._unanswered_s)))
        return together([*(values.ordered(self._metric) for values in self._values), unanswered])

    @cached_property
    def least(self) -> Ranks:
        """The least values that the answered requests can have had; for metrics of the first token."""
        return together([values.ordered(f"{self._metric}_least") for values in self._values])

    @cached_property
    def moments(self) -> Moments:
        """The moments of the answered requests."""
        return Moments.merged(values.moments(self._metric) for values in self._values)

    @cached_property
    def effective_n(self) -> int:
        if not self.ordered.count:
            return 0
        tails = TAILS if self._worst > 0 else [1 - tail for tail in TAILS]
        return min(self.effective_above(self.ordered.quantile(tail)) for tail in tails)

    def effective_above(self, threshold: float) -> int:
        return self._slotted.effective_above(threshold)

    @cached_property
    def _slotted(self) -> SlottedValues:
        by_slot = [values.by_slot(self._metric) for values in self._values]
        widest_s = max((own.width_s for own in by_slot), default=1.0)
        known = [slot * own.width_s for own in by_slot if own.slots for slot in (min(own.slots), max(own.slots))]
        width_s = max(widest_s, slot_width_s(max(known) - min(known))) if known else widest_s
        answered = (
            (math.floor(slot * own.width_s / width_s), values) for own in by_slot for slot, values in own.slots.items()
        )
        return SlottedValues([*answered, *by_due_time(self._unanswered_s, width_s, self._worst)])


class Slices:
    """Cuts pieces out of requests that are kept individually, after sorting them once by the schedule."""

    def __init__(self, by_tags: Mapping[Tags, TaggedRequests], metric: str) -> None:
        """Prepare pieces with this metric alone."""
        self._by_tags = by_tags
        self._metric = metric
        self._in_order: dict[Tags, Columns] = {}

    def cut(self, begins_at_s: float, ends_at_s: float) -> Selection:
        """Return the values of requests due in [begins, ends); to the precision of a slot where gaps are counted."""
        pieces = {tags: self._piece(tags, begins_at_s, ends_at_s) for tags in self._by_tags}
        return Selection({tags: piece for tags, piece in pieces.items() if len(piece) or len(piece.gaps)})

    def _piece(self, tags: Tags, begins_at_s: float, ends_at_s: float) -> TaggedRequests:
        tagged = self._by_tags[tags]
        if self._metric in PER_CHUNK:
            return TaggedRequests(gaps=tagged.gaps.between(begins_at_s, ends_at_s))
        if tags not in self._in_order:
            self._in_order[tags] = tagged.columns.in_order(self._metric)
        ordered = self._in_order[tags]
        low, high = (bisect_left(ordered.due_at_s, at_s) for at_s in (begins_at_s, ends_at_s))
        return TaggedRequests(Columns({name: ordered[name][low:high] for name in ("due", self._metric)}))
