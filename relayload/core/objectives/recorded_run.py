"""The records of a run, as a source of indicators."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from relayload.core.audit.findings import Audit
from relayload.core.metrics.catalog import PER_CHUNK
from relayload.core.metrics.chunk_gaps import GapCounts, GapSample
from relayload.core.metrics.cost import Used
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.selection import Selection, Series, Slices
from relayload.core.model.record import Transition
from relayload.core.model.run import RunInfo
from relayload.core.model.tags import Tags
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.tag_filter import of_outcome, within
from relayload.core.objectives.window import Window
from relayload.core.stats.histogram import Histogram
from relayload.core.stats.ranks import Sorted
from relayload.core.stats.sample import Sample


class RecordedRun:
    """A fold of records that counted for objectives."""

    def __init__(self, fold: Fold, run: RunInfo, audit: Audit | None = None) -> None:
        """Wrap a fold, and what its audited answers say. Raises TypeError if it did not count for objectives."""
        if not isinstance(fold.counts, ObjectiveCounts):
            raise TypeError("the records were folded without a word of objectives")
        self._fold = fold
        self._run = run
        self._slices: dict[str, Slices] = {}
        self.counts = fold.counts
        self.audit = audit

    @property
    def transitions(self) -> Sequence[Transition]:
        return self._fold.transitions

    @property
    def used(self) -> Mapping[Tags, Used]:
        return self._fold.by_tags

    @property
    def first_start_s(self) -> float | None:
        return self._fold.starts.first_s if self._fold.started else None

    @property
    def last_due_at_s(self) -> float:
        return self._fold.last_due_at_s

    @property
    def last_end_s(self) -> float:
        return self._fold.last_end_s

    def measures(self, scenario: str, metric: str) -> bool:
        return self._ok.where(lambda tags: tags.plan_tags.scenario == scenario).measures(metric)

    def sample(self, objective: Objective, unanswered_s: Sequence[Sorted], window: Window | None) -> Sample:
        """Return the values: exact, or to within 0.4 % where there are more requests than are kept."""
        if window and self._fold.condensed and objective.metric not in PER_CHUNK:
            values = GapCounts()
            for number in window.numbers:
                counted = self.counts[objective].values.get(number, Histogram())
                values.add(int(window.begins_at_s), counted.counts.items())
            return GapSample(values, unanswered_s, objective.worst)
        requests = self._cut(objective.metric, window) if window else Selection(self._fold.by_tags)
        unknown = self._run.cut_off
        requests = requests.where(
            lambda tags: (
                within(objective.tags, tags.plan_tags)
                and of_outcome(objective.tags, tags)
                and not (unknown and tags.abandoned)
            )
        )
        if not (objective.one_outcome or objective.asks_all):
            requests = requests.where(lambda tags: tags.ok)
        if objective.metric in PER_CHUNK:
            return GapSample(requests.gaps(), unanswered_s, objective.worst)
        return Series(requests, objective.metric, unanswered_s, objective.worst)

    @cached_property
    def _ok(self) -> Selection:
        return Selection(self._fold.by_tags).where(lambda tags: tags.ok)

    def _cut(self, metric: str, window: Window) -> Selection:
        if metric not in self._slices:
            self._slices[metric] = Slices(self._fold.by_tags, metric)
        return self._slices[metric].cut(window.begins_at_s, window.until_s)
