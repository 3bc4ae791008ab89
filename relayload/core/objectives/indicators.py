"""The indicators of a run for an objective: counts that decide, and values to show beside them.

The records of a run and a snapshot of one in progress are both a `Source`, so that both are judged alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from relayload.core.metrics.breaker_history import BreakerHistory, breaker_histories
from relayload.core.metrics.catalog import METRICS, PER_CHUNK
from relayload.core.metrics.cost import Used
from relayload.core.model.record import Outcome, Transition
from relayload.core.model.run import RunInfo, Span
from relayload.core.model.snapshot import Position, SlotCounts
from relayload.core.model.tags import Tags
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.statistics import BadBounds, Deviations
from relayload.core.objectives.tag_filter import joined, moved, tagged
from relayload.core.objectives.time_slots import window_count, windows
from relayload.core.stats.ranks import Sorted, repeated
from relayload.core.stats.sample import Sample

_NEVER = math.inf
"""The due time of a lost request is unknown; it sorts last."""


class Source(Protocol):
    """The data of a run that indicators need, from records or snapshots."""

    @property
    def counts(self) -> ObjectiveCounts: ...
    @property
    def transitions(self) -> Sequence[Transition]:
        """Every change of a breaker."""

    @property
    def used(self) -> Mapping[Tags, Used]:
        """By tags, the number of requests and their tokens."""

    @property
    def first_start_s(self) -> float | None:
        """When the first request was sent, in seconds since the run's start; None if none was."""

    @property
    def last_due_at_s(self) -> float: ...
    @property
    def last_end_s(self) -> float: ...
    def measures(self, scenario: str, metric: str) -> bool:
        """Return whether an answer of that scenario has the metric, in a measured stage or not."""

    def sample(self, objective: Objective, unanswered_s: Sequence[Sorted], window: "Window | None") -> Sample:
        """Return the values of the requests that the objective admits, for display.

        Each request due at an instant of `unanswered_s` has the worst value.
        """


@dataclass(frozen=True)
class Indicators:
    """The measured part of a run, queried objective by objective."""

    source: Source
    run: RunInfo
    lost: int = 0
    in_flight: int | None = None
    """Requests in flight, which all count as good; None once the run is over."""
    window: "Window | None" = None
    """The window that this is limited to; None for the whole run."""
    _without: dict[str, set[str]] = field(default_factory=dict, repr=False, compare=False)
    """By metric, the scenarios whose answers never have it."""

    @property
    def goes_on(self) -> bool:
        """More requests may come."""
        return self.in_flight is not None

    def slots(self, objective: Objective) -> list[SlotCounts]:
        """Return the counts for the objective by slot of time, with lost requests last."""
        found = self._counted(objective)
        by_second: dict[int, SlotCounts] = {}
        for position, counts in found.items():
            if position.second not in by_second:
                by_second[position.second] = SlotCounts()
            by_second[position.second].add(self._resolved(objective, position, counts))
        slots = [by_second[second] for second in sorted(by_second)]
        if self.lost and (objective.metric == "goodput" or self._waits_for_all(objective)):
            slots.append(SlotCounts(n=self.lost, bad_at_least=self.lost, bad_at_most=self.lost))
        return slots

    def bad(self, objective: Objective) -> BadBounds:
        """Return the requests that do not meet the objective, and all requests."""
        slots = self.slots(objective)
        return BadBounds.of(slots, self._still_good(objective, slots))

    def deviations(self, objective: Objective) -> list[Deviations]:
        """Return the deviations from the limit of a mean, slot by slot."""
        return [
            Deviations(slot.total, slot.n, slot.squares, slot.too_large, slot.too_small)
            for slot in self.slots(objective)
            if slot.n
        ]

    def sample(self, objective: Objective) -> Sample:
        """Return the values of a percentile or a mean, for display."""
        unanswered = [
            repeated(position.second + 0.5, self._resolved(objective, position, counts).n - counts.n)
            for position, counts in self._counted(objective).items()
            if counts.unanswered
        ]
        empty_s = self._lost_s if self._waits_for_all(objective) else []
        return self.source.sample(objective, [*unanswered, empty_s], self.window)

    def nobody_can_tell(self, objective: Objective) -> bool:
        """Return whether no requested scenario has answers with the metric of a condition of goodput."""
        scenarios = {position.scenario for position in self._counted(objective)}
        return bool(scenarios) and any(
            scenarios <= self.without(condition.metric) for condition in objective.conditions
        )

    def without(self, metric: str) -> set[str]:
        """Return the scenarios whose answers never have the metric in the whole run, so nothing requires it.

        First tokens are required of a scenario that streams, whether they come or not.
        """
        if metric not in self._without:
            self._without[metric] = set(self._never_measured(metric))
        return self._without[metric]

    def used(self, objective: Objective) -> dict[Tags, Used]:
        """Return the usage of the requests that the tags admit, including warm-up, which is paid for as well."""
        return {tags: used for tags, used in self.source.used.items() if tagged(objective.tags, tags.plan_tags)}

    def breakers(self, objective: Objective) -> list[BreakerHistory]:
        """Return the whole history of the breakers in the scopes that the tags admit."""
        return breaker_histories(change for change in self.source.transitions if moved(objective.tags, change))

    @property
    def begins_at_s(self) -> float:
        """When the window began, or the run."""
        return self.window.begins_at_s if self.window else 0.0

    @property
    def measured_spans(self) -> list[tuple[float, float]]:
        """The start and end of each measured stage within the window or run, in seconds."""
        return [(span.begins_at_s, span.ends_at_s) for span in self._spans()]

    def in_measured(self, at_s: float) -> bool:
        """Return whether that instant is in a measured stage; the time after the load belongs to its last stage."""
        at_s = min(at_s, math.nextafter(self.load_s, 0.0))
        if self.window and not self.window.begins_at_s <= at_s < self.window.ends_at_s:
            return False
        planned = self.run.spans(math.inf)  # also where all was due at the first instant, and the load had no length
        return any(span.begins_at_s <= at_s < span.ends_at_s for span in planned if not span.stage.warmup)

    def seconds(self, objective: Objective) -> float:
        """Return the length of the measured stages that the tags admit, in seconds."""
        return math.fsum(span.seconds for span in self._admitted(objective))

    def windows(self, objective: Objective) -> list["Indicators"]:
        """Return the windows of an objective: whole ones of the measured stages that its tags admit.

        Consecutive stages are cut as one. Lost requests are in the last window.
        """
        over_s = objective.options.over_s
        assert over_s is not None
        edges = [edge for span in self._reached(objective) for edge in windows(*span, over_s)]
        return [
            Indicators(
                self.source,
                self.run,
                self.lost if number == len(edges) - 1 else 0,
                self.in_flight,
                Window(number, begins_at_s, ends_at_s),
                self._without,
            )
            for number, (begins_at_s, ends_at_s) in enumerate(edges)
        ]

    def window_count(self, objective: Objective) -> int:
        """Return the number of windows; the whole run is one for an objective without windows."""
        over_s = objective.options.over_s
        return 1 if over_s is None else sum(window_count(*span, over_s) for span in self._reached(objective))

    @cached_property
    def load_s(self) -> float:
        """When the load ended: by the run's data, or by the last arrival if it was killed or is a trace.

        A batch is a load until its last request has ended.
        """
        if self.run.batch:
            return self.source.last_end_s
        if self.run.ended_at_s is None or any(stage.for_s is None for stage in self.run.stages):
            return self.source.last_due_at_s
        return self.run.ended_at_s

    def _counted(self, objective: Objective) -> Mapping[Position, SlotCounts]:
        """Return the counts; if the run was interrupted, without abandoned requests, whose result is unknown."""
        found = self.source.counts[objective].windows.get(self.window.number if self.window else 0, {})
        if self.run.interrupted_by is None:
            return found
        return {position: counts for position, counts in found.items() if not position.abandoned}

    def _resolved(self, objective: Objective, position: Position, counts: SlotCounts) -> SlotCounts:
        """Return the counts after deciding whether answers of the scenario have the metric."""
        bad_at_least, bad_at_most, unanswered = counts.bad_at_least, counts.bad_at_most, counts.unanswered
        if position.unmet and any(
            position.unmet >> bit & 1 and position.scenario not in self.without(condition.metric)
            for bit, condition in enumerate(objective.conditions)
        ):
            bad_at_most = counts.n
            surely = position.unmet & ~position.doubtful
            if any(
                surely >> bit & 1 and position.scenario not in self.without(condition.metric)
                for bit, condition in enumerate(objective.conditions)
            ):
                bad_at_least = counts.n
        if unanswered and position.scenario in self.without(objective.metric):
            unanswered = 0
        return SlotCounts(
            n=counts.n + unanswered,
            bad_at_least=bad_at_least + unanswered,
            bad_at_most=bad_at_most + unanswered,
            ended_ok=counts.ended_ok,
            total=counts.total,
            squares=counts.squares,
            too_large=counts.too_large,
            too_small=counts.too_small,
        )

    def _still_good(self, objective: Objective, slots: Sequence[SlotCounts]) -> int:
        """Return the most good values from requests in flight; for gaps, twice the mean of ended requests each."""
        in_flight = self.in_flight or 0
        if objective.metric not in PER_CHUNK:
            return in_flight
        n, ended = sum(slot.n for slot in slots), sum(slot.ended_ok for slot in slots)
        return math.ceil(2 * in_flight * n / max(1, ended))

    def _waits_for_all(self, objective: Objective) -> bool:
        """Return whether a request without an answer counts as a bad value."""
        return objective.quantile is not None and not objective.one_outcome

    @property
    def _lost_s(self) -> Sorted:
        """The due times of the lost requests, which are unknown."""
        return repeated(_NEVER, self.lost)

    def _never_measured(self, metric: str) -> Iterable[str]:
        known = METRICS.get(metric)
        if known is None or not known.distribution:
            return
        streaming = self.run.streaming if known.of_first_token else ()
        for scenario in {tags.plan_tags.scenario for tags in self.source.used if tags.ok}:
            if scenario not in streaming and not self.source.measures(scenario, metric):
                yield scenario

    def _reached(self, objective: Objective) -> list[tuple[float, float]]:
        """Return the start and end of the reached measured stages that the tags admit; consecutive ones as one."""
        return joined([(span.begins_at_s, span.ends_at_s) for span in self._admitted(objective)])

    def _admitted(self, objective: Objective) -> list[Span]:
        tags = objective.tagged("stage")
        return [span for span in self._spans() if all(tag.admits(span.stage.name) for tag in tags)]

    def _spans(self) -> list[Span]:
        """Return the reached measured stages, cut to the window if there is one."""
        spans = [span for span in self.run.spans(self.load_s) if not span.stage.warmup]
        if self.window:
            begins_at_s, ends_at_s = self.window.begins_at_s, self.window.ends_at_s
            spans = [
                Span(span.stage, max(span.begins_at_s, begins_at_s), min(span.ends_at_s, ends_at_s)) for span in spans
            ]
        return [span for span in spans if span.seconds > 0]


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a run, by the time at which its requests were due."""

    number: int
    """The number of the window by the plan of the run."""
    begins_at_s: float
    ends_at_s: float


def is_abandoned(tags: Tags) -> bool:
    """Return whether the run ended before the request did."""
    return tags.outcome == Outcome.ABANDONED.value
