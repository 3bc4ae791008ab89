"""The median of a metric over time, of each scenario, target and key where there are several."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.values_by_bin import DIMENSIONS, ByBin, place_of

MOST_GROUPS = 20
"""The most groups of one dimension: those with the most requests."""

Medians = Mapping[str, tuple[float | None, ...]]
"""By group, the median in each bin of the requests that were due in it and ended ok."""


@dataclass(frozen=True, slots=True)
class GroupBands:
    """The groups of one dimension; those with the most requests first."""

    dimension: str
    medians: Mapping[str, Medians]
    """By metric."""
    left: int
    """How many groups there are beyond those."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a dimension that are shown."""

    dimension: str
    names: tuple[str, ...]
    left: int

    def medians_of(self, values: ByBin) -> Medians:
        """Return the medians of a metric of the groups that have it."""
        at = DIMENSIONS.index(self.dimension)
        by_name = {name: _medians(values, at, name) for name in self.names}
        return {name: medians for name, medians in by_name.items() if any(medians)}

    def bands(self, medians: Mapping[str, Medians]) -> GroupBands:
        return GroupBands(self.dimension, medians, self.left)


def groups_of(fold: Fold) -> tuple[Groups, ...]:
    """Return the dimensions that have several groups."""
    return tuple(_groups_of(fold))


def _groups_of(fold: Fold) -> Iterator[Groups]:
    for at, dimension in enumerate(DIMENSIONS):
        counts: Counter[str] = Counter()
        for tags, tagged in fold.by_tags.items():
            if tags.ok and (name := place_of(tags.plan_tags)[at]) is not None:
                counts[name] += len(tagged)
        if len(counts) > 1:
            names = tuple(name for name, _ in counts.most_common(MOST_GROUPS))
            yield Groups(dimension, names, len(counts) - len(names))


def _medians(values: ByBin, at: int, name: str) -> tuple[float | None, ...]:
    own = values.ordered(lambda place: place[at] == name)
    return tuple(ranks.quantile(0.5) if ranks.count else None for ranks in own)
