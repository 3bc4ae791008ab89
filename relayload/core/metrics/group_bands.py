"""The median of a metric over time, of each scenario, target and key where there are several."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.time_bins import Bins, ordered_by_step
from relayload.core.model.tags import PlanTags

DIMENSIONS = ("scenario", "target", "key")
MOST_GROUPS = 20
"""The most groups of one dimension: those with the most requests."""


@dataclass(frozen=True, slots=True)
class GroupBands:
    """The groups of one dimension; those with the most requests first."""

    dimension: str
    medians: Mapping[str, Mapping[str, tuple[float | None, ...]]]
    """By metric and group, the median in each bin of the requests that were due in it and ended ok."""
    left: int
    """How many groups there are beyond those."""


def group_bands(fold: Fold, metrics: Sequence[str], bins: Bins) -> tuple[GroupBands, ...]:
    """Return the dimensions that have several groups."""
    return tuple(_group_bands(fold, metrics, bins))


def _group_bands(fold: Fold, metrics: Sequence[str], bins: Bins) -> Iterator[GroupBands]:
    for dimension in DIMENSIONS:
        counts: Counter[str] = Counter()
        for tags, tagged in fold.by_tags.items():
            if tags.ok and (name := _group(tags.plan_tags, dimension)) is not None:
                counts[name] += len(tagged)
        if len(counts) > 1:
            names = [name for name, _ in counts.most_common(MOST_GROUPS)]
            by_group = {name: _medians(fold, dimension, name, metrics, bins) for name in names}
            medians = {
                metric: {name: by_group[name][place] for name in names if any(by_group[name][place])}
                for place, metric in enumerate(metrics)
            }
            yield GroupBands(dimension, medians, len(counts) - len(names))


def _group(tags: PlanTags, dimension: str) -> str | None:
    name: str | None = getattr(tags, dimension)
    return name


def _medians(
    fold: Fold, dimension: str, name: str, metrics: Sequence[str], bins: Bins
) -> list[tuple[float | None, ...]]:
    """Return the medians of each metric."""
    own = (
        tagged.values for tags, tagged in fold.by_tags.items() if tags.ok and _group(tags.plan_tags, dimension) == name
    )
    by_metric = ordered_by_step(own, metrics, bins.step_s, bins.count)
    return [tuple(values.quantile(0.5) if values.count else None for values in by_bin) for by_bin in by_metric]
