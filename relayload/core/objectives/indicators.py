"""The indicators of a run for an objective: counts that decide, and values to show beside them.

The records of a run and a snapshot of one in progress are both a `Source`, so that both are judged alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from relayload.core.audit.findings import Audit
from relayload.core.metrics.breaker_history import BreakerHistory, breaker_histories
from relayload.core.metrics.catalog import METRICS, PER_CHUNK
from relayload.core.metrics.cost import Used
from relayload.core.model.record import Transition
from relayload.core.model.run import RunInfo, Span
from relayload.core.model.snapshot import Position, SlotCounts
from relayload.core.model.tags import Tags
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.objective import Indicator, Objective
from relayload.core.objectives.statistics import BadBounds, Deviations
from relayload.core.objectives.tag_filter import joined, moved, tagged
from relayload.core.objectives.time_slots import is_whole, planned_spans, window_count, windows
from relayload.core.objectives.window import Window
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
    def audit(self) -> Audit | None:
        """What the audited answers say; None where none was audited, and while the run goes on."""

    @property
    def first_start_s(self) -> float | None:
        """When the first request was sent, in seconds since the run's start; None if none was."""

    @property
    def last_due_at_s(self) -> float: ...
    @property
    def last_end_s(self) -> float: ...
    def measures(self, scenario: str, metric: str) -> bool:
        """Return whether an answer of that scenario has the metric, in a measured stage or not."""

    def sample(self, objective: Objective, unanswered_s: Sequence[Sorted], window: Window | None) -> Sample:
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
    window: Window | None = None
    """The window that this is limited to; None for the whole run."""
    settled_s: float = math.inf
    """All that was due until then has ended, and is known."""
    _without: dict[str, set[str]] = field(default_factory=dict, repr=False, compare=False)
    """By metric, the scenarios whose answers never have it."""
    _gaps: dict[Indicator, Mapping[str, tuple[float, int]]] = field(default_factory=dict, repr=False, compare=False)
    """The gaps and number of ok answers by scenario, for objectives on gaps."""

    @property
    def goes_on(self) -> bool:
        """More requests may come."""
        return self.in_flight is not None

    def slots(self, objective: Objective) -> list[SlotCounts]:
        """Return the counts for the objective by slot of time, with lost requests last."""
        by_second = self.by_second(objective)
        slots = [by_second[second] for second in sorted(by_second)]
        offered = objective.metric == "goodput" and not objective.by_end
        if self.lost and (offered or self._waits_for_all(objective)):
            lost = self._lost_values(objective)
            slots.append(SlotCounts(n=lost, bad_at_least=lost, bad_at_most=lost))
        return slots

    def by_second(self, objective: Objective) -> dict[tuple[int, int], SlotCounts]:
        """Return the counts for the objective by window and slot of time, without lost requests."""
        by_second: dict[tuple[int, int], SlotCounts] = {}
        for position, counts in self._counted(objective).items():
            second = position.window, position.second
            if second not in by_second:
                by_second[second] = SlotCounts()
            by_second[second].add(self._resolved(objective, position, counts))
        return by_second

    def bad(self, objective: Objective) -> BadBounds:
        """Return the requests that do not meet the objective, and all requests."""
        slots = self.slots(objective)
        return BadBounds.of(slots, self._still_good(objective))

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
        empty_s = repeated(_NEVER, self._lost_values(objective)) if self._waits_for_all(objective) else []
        return self.source.sample(objective, [*unanswered, empty_s], self.window)

    def missing(self, objective: Objective) -> tuple[int, int]:
        """Return how many ok answers have no value of the metric although they should, and how many have one."""
        slots = self.slots(objective)
        return sum(slot.missing for slot in slots), sum(slot.measured for slot in slots)

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
        if self.window and not any(begins_at_s <= at_s < ends_at_s for begins_at_s, ends_at_s in self.window.parts):
            return False
        planned = self.run.spans(math.inf)  # also where all was due at the first instant, and the load had no length
        return any(span.begins_at_s <= at_s < span.ends_at_s for span in planned if not span.stage.warmup)

    def seconds(self, objective: Objective) -> float:
        """Return the length of the window in seconds, or of the spans in which requests count when they end."""
        spans = [(self.window.begins_at_s, self.window.ends_at_s)] if self.window else self._ending_spans(objective)
        return math.fsum(ends_at_s - begins_at_s for begins_at_s, ends_at_s in spans)

    def windows(self, objective: Objective) -> list["Indicators"]:
        """Return the windows of an objective: those of the measured stages that its tags admit.

        Consecutive stages are cut as one row, whose last window ends with it and may be shorter. There are none if none
        is whole. Lost requests are in the last whole one in which something was due.
        """
        over_s = objective.options.over_s
        assert over_s is not None
        edges = [edge for span in self._reached(objective) for edge in windows(*span, over_s)]
        cut = [Window(number, *edge, whole=is_whole(*edge, over_s)) for number, edge in enumerate(edges)]
        if not any(window.whole for window in cut):
            return []
        pieces = [replace(self, window=window, lost=0) for window in cut]
        if self.lost:
            due = [piece for piece in pieces if piece.due(objective)] or pieces
            number = max(due, key=lambda piece: (piece.is_whole, piece.begins_at_s)).numbers[-1]
            pieces[number] = replace(pieces[number], lost=self.lost)
        return pieces

    def windows_over(self, objective: Objective) -> int:
        """Return the number of windows that are over; the whole run is one for an objective without windows."""
        over_s = objective.options.over_s
        if over_s is None:
            return 1
        return sum(
            int(window_count(begins_at_s, ends_at_s, over_s))
            if ends_at_s <= self.load_s
            else int(max(0.0, self.load_s - begins_at_s) / over_s + 1e-9)
            for begins_at_s, ends_at_s in planned_spans(objective, self.run)
        )

    def with_rest(self, rest: "Indicators") -> "Indicators":
        """Return this window together with a later one; nothing was due between them."""
        assert self.window is not None
        return replace(self, window=replace(self.window, rest=rest.window), lost=self.lost + rest.lost)

    @property
    def is_whole(self) -> bool:
        """This is a window of the full length, or no window."""
        return self.window is None or self.window.whole

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the windows that this is limited to; 0 for the whole run."""
        return self.window.numbers if self.window else (0,)

    def due(self, objective: Objective) -> int:
        """Return how many requests were due in this window that the tags admit, whatever their outcome.

        Those that were cancelled on purpose do not count: nobody waited for their answers.
        """
        return self.lost + sum(counts.due for counts in self._counted(objective).values())

    def is_evidence(self, objective: Objective) -> bool:
        """Return whether something was due in this window, or may have been while the run goes on.

        Users of a closed load and a batch ask for nothing while they wait for an answer, so there the time that goes by
        is evidence of a rate.
        """
        if self.due(objective) or (self.window and self.window.ends_at_s > self.settled_s):
            return True
        return self.run.load_kind != "open" and (objective.aggregate == "per_second" or objective.metric == "requests")

    @cached_property
    def load_s(self) -> float:
        """When the load ended."""
        return self.run.load_s(self.source.last_due_at_s, self.source.last_end_s)

    def _counted(self, objective: Objective) -> Mapping[Position, SlotCounts]:
        """Return the counts; if the run was cut off, without abandoned requests, whose result is unknown.

        Where requests count when they end, only those that ended in the measured span count.
        """
        counts = self.source.counts[objective]
        found: Mapping[Position, SlotCounts] = counts.windows.get(self.numbers[0], {})
        if len(self.numbers) > 1:
            found = {place: own for number in self.numbers for place, own in counts.windows.get(number, {}).items()}
        if objective.by_end and not self.window:
            inside = counts.between(self._ending_spans(objective))
            found = {position: slot for position, slot in found.items() if inside(position)}
        if not self.run.cut_off:
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
        if unanswered:
            unanswered = int(unanswered * self._weight(objective, position.scenario))
        return SlotCounts(
            n=counts.n + unanswered,
            bad_at_least=bad_at_least + unanswered,
            bad_at_most=bad_at_most + unanswered,
            ended_ok=counts.ended_ok,
            total=counts.total,
            squares=counts.squares,
            cancelled=counts.cancelled,
            measured=counts.measured,
            missing=counts.missing if counts.missing and not self._is_exempt(objective, position.scenario) else 0,
            too_large=counts.too_large,
            too_small=counts.too_small,
        )

    def _still_good(self, objective: Objective) -> int:
        """Return the most good values from requests in flight; for gaps, twice the mean of ok answers each."""
        in_flight = self.in_flight or 0
        if objective.metric not in PER_CHUNK:
            return in_flight
        return math.ceil(2 * in_flight * self._mean_gaps(objective))

    def _weight(self, objective: Objective, scenario: str) -> float:
        """Return how many values a request without an answer stands for: none if answers of its scenario have none.

        For gaps, it is as many as an ok answer of its scenario has on average, or else one of any; but at least one.
        While the run goes on, those in flight may bring the mean down.
        """
        if scenario in self.without(objective.metric):
            return 0.0
        if objective.metric not in PER_CHUNK:
            return 1.0
        gaps, answers = self._ok_gaps(objective).get(scenario, (0.0, 0))
        if self.in_flight:
            return max(1.0, gaps / (answers + self.in_flight))
        return max(1.0, gaps / answers) if answers else self._mean_gaps(objective)

    def _mean_gaps(self, objective: Objective) -> float:
        """Return the mean number of gaps of all ok answers that the tags admit; at least one."""
        gaps, answers = map(sum, zip((0.0, 0), *self._ok_gaps(objective).values(), strict=True))
        return max(1.0, gaps / answers) if answers else 1.0

    def _ok_gaps(self, objective: Objective) -> Mapping[str, tuple[float, int]]:
        """Return the gaps of ok answers in the whole run and the number of those answers, by scenario."""
        found = self._gaps.get(objective.indicator)
        if found is None:
            sums: dict[str, SlotCounts] = {}
            for slots in self.source.counts[objective].windows.values():
                for position, counts in slots.items():
                    sums.setdefault(position.scenario, SlotCounts()).add(counts)
            found = {name: (own.total, own.ended_ok) for name, own in sums.items() if own.ended_ok}
            self._gaps[objective.indicator] = found
        return found

    def _lost_values(self, objective: Objective) -> int:
        """Return how many values the lost requests stand for. When they were due is unknown."""
        return int(self.lost * (self._mean_gaps(objective) if objective.metric in PER_CHUNK else 1.0))

    def _is_exempt(self, objective: Objective, scenario: str) -> bool:
        """Return whether answers of the scenario need no value: none has one, and they were not asked for as streams.

        So no embedding misses an output rate.
        """
        return scenario not in self.run.streaming and scenario in self.without(objective.metric)

    def _waits_for_all(self, objective: Objective) -> bool:
        """Return whether a request without an answer counts as a bad value."""
        return objective.quantile is not None and not objective.one_outcome

    def _never_measured(self, metric: str) -> Iterable[str]:
        known = METRICS.get(metric)
        if known is None or not known.distribution:
            return
        streaming = self.run.streaming if known.of_first_token else ()
        for scenario in {tags.plan_tags.scenario for tags in self.source.used if tags.ok}:
            if scenario not in streaming and not self.source.measures(scenario, metric):
                yield scenario

    def _ending_spans(self, objective: Objective) -> list[tuple[float, float]]:
        """Return the parts of the measured span that the `stage` tags admit; of a batch, its makespan."""
        began_s = self.source.first_start_s if self.run.batch else None
        return joined(
            (span.begins_at_s, span.ends_at_s)
            for span in self.run.measured_spans(self.load_s, began_s or 0.0)
            if span.seconds > 0 and all(tag.admits(span.stage.name) for tag in objective.tagged("stage"))
        )

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
            spans = [
                Span(span.stage, max(span.begins_at_s, begins_at_s), min(span.ends_at_s, ends_at_s))
                for begins_at_s, ends_at_s in self.window.parts
                for span in spans
            ]
        return [span for span in spans if span.seconds > 0]
