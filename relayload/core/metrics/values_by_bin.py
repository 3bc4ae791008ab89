"""The values of a metric by when their requests were due, and by where those went."""

from collections import defaultdict
from collections.abc import Callable
from operator import attrgetter

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.time_bins import Bins, ordered_by_step
from relayload.core.metrics.values import Values
from relayload.core.model.tags import PlanTags
from relayload.core.stats.ranks import Ranks, Sorted, together

DIMENSIONS = ("scenario", "target", "key")

Place = tuple[str | None, ...]
"""The scenario, target and key of requests."""
place_of: Callable[[PlanTags], Place] = attrgetter(*DIMENSIONS)


class ByBin:
    """The values of the requests that ended ok, dealt out and sorted once for all that is drawn of them."""

    def __init__(self, fold: Fold, metric: str, bins: Bins) -> None:
        self._count = bins.count
        parts: defaultdict[Place, list[Values]] = defaultdict(list)
        for tags, tagged in fold.by_tags.items():
            if tags.ok:
                parts[place_of(tags.plan_tags)].append(tagged.values)
        self._by_place = {place: _filled(own, metric, bins) for place, own in parts.items()}

    def ordered(self, wanted: Callable[[Place], bool] = lambda _: True) -> list[Ranks]:
        """Return the values in each bin of the requests that went to the wanted places."""
        parts: list[list[Sorted]] = [[] for _ in range(self._count)]
        for place, by_bin in self._by_place.items():
            if wanted(place):
                for number, values in by_bin.items():
                    parts[number].append(values)
        return [together(own) for own in parts]


def _filled(parts: list[Values], metric: str, bins: Bins) -> dict[int, Sorted]:
    """Return the bins that have values: there may be many places with few requests."""
    [by_bin] = ordered_by_step(parts, (metric,), bins.step_s, bins.count)
    return {number: values for number, values in enumerate(by_bin) if len(values)}
