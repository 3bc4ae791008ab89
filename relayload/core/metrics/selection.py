"""Requests of some tags taken together, and samples of their metrics in the order of the schedule."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from relayload.core.metrics.catalog import PER_CHUNK
from relayload.core.metrics.chunk_gaps import GapCounts
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.model.tags import Tags
from relayload.core.stats.ranks import Sorted, SortedRuns, WeightedValues, repeated, together
from relayload.core.stats.sample import Distribution, Moments, Sample, describe, effective_size, rank_of

_MARKED = 0.05


class Selection:
    """The requests that a table or an objective is about."""

    def __init__(self, by_tags: dict[Tags, TaggedRequests]) -> None:
        self.by_tags = by_tags

    def where(self, wanted: Callable[[Tags], bool]) -> "Selection":
        return Selection({key: tagged for key, tagged in self.by_tags.items() if wanted(key)})

    @property
    def count(self) -> int:
        return sum(map(len, self.by_tags.values()))

    @property
    def output_tokens(self) -> int:
        return sum(tagged.tokens.output for tagged in self.by_tags.values())

    def by_outcome(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for key, tagged in sorted(self.by_tags.items(), key=lambda item: item[0].outcome):
            counts[key.outcome] = counts.get(key.outcome, 0) + len(tagged)
        return counts

    def gaps(self) -> GapCounts:
        all_tagged = list(self.by_tags.values())
        merged = GapCounts(all_tagged[0].gaps.width_s) if all_tagged else GapCounts()
        for tagged in all_tagged:
            merged.merge(tagged.gaps)
        return merged

    @property
    def due_at_s(self) -> SortedRuns | WeightedValues:
        """When the requests were due."""
        return together([tagged.values.ordered("due") for tagged in self.by_tags.values()])

    def measures(self, metric: str) -> bool:
        """Whether any of the requests has a value of a metric."""
        if metric in PER_CHUNK:
            return any(len(tagged.gaps) for tagged in self.by_tags.values())
        return any(len(tagged.values.ordered(metric)) for tagged in self.by_tags.values())


class Series:
    """The values of a metric over a selection, and requests without an answer, whose value is infinitely bad.

    `worst` says which infinity that is; at that end of the sample its slow requests are looked for.
    """

    def __init__(
        self, selection: Selection, metric: str, unanswered_s: Sequence[Sorted] = (), worst: float = math.inf
    ) -> None:
        """`unanswered_s` are the instants at which those without an answer were due."""
        self._values = [tagged.values for tagged in selection.by_tags.values()]
        self._metric = metric
        self._unanswered_s = unanswered_s
        self._worst = worst

    @cached_property
    def sample(self) -> Sample:
        """The values; its moments are of the answered requests."""
        unanswered = repeated(self._worst, sum(map(len, self._unanswered_s)))
        ordered = together([*(values.ordered(self._metric) for values in self._values), unanswered])
        return Sample(ordered, Moments.merged(values.moments(self._metric) for values in self._values))

    @property
    def count(self) -> int:
        return self.sample.count

    def at_ranks(self, ranks: Iterable[int]) -> list[float]:
        return self.sample.at_ranks(ranks)

    @property
    def mean_s(self) -> float | None:
        return self.sample.mean_s

    @cached_property
    def effective_n(self) -> int:
        """How many independent values would tell as much."""
        if not self.sample.count:
            return 0
        return effective_size(self._marked_at_s(), self.due_at_s)

    @property
    def due_at_s(self) -> SortedRuns | WeightedValues:
        """When the requests were due that have a value, or no answer."""
        return together([*(values.due_measured(self._metric) for values in self._values), *self._unanswered_s])

    def describe(self, unit: str) -> Distribution | None:
        """None where the metric was never measured."""
        return describe(self.sample, unit, self.effective_n)

    def _marked_at_s(self) -> SortedRuns | WeightedValues:
        """When the worst twentieth was due; where that many share the worst value, all of those."""
        tail = 1 - _MARKED if self._worst > 0 else _MARKED
        (threshold,) = self.sample.at_ranks([rank_of(tail, self.sample.count)])
        if threshold == self._worst:
            return together(self._unanswered_s)
        beyond = [_due_beyond(values, self._metric, threshold, self._worst) for values in self._values]
        marked = together([*beyond, *self._unanswered_s])
        return marked if marked.count else together([v.due_at(self._metric, threshold) for v in self._values])


def _due_beyond(values: Columns | Condensed, metric: str, threshold: float, worst: float) -> Sorted:
    """When those were due whose value is worse than the threshold."""
    return values.due_above(metric, threshold) if worst > 0 else values.due_below(metric, threshold)
