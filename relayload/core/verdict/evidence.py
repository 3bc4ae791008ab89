"""What a run has to say on an objective: the requests that its tags admit, as numbers."""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from relayload.core.metrics.catalog import METRICS
from relayload.core.results.breakers import Breaker, breakers
from relayload.core.results.cell import Key, Place
from relayload.core.results.fold import Fold
from relayload.core.results.gaps import GapSample
from relayload.core.results.ranks import Counted, Parts, Ranks, Sorted, repeated, together
from relayload.core.results.record import Outcome, Transition
from relayload.core.results.run import RunInfo, Span
from relayload.core.results.sample import counts_between, effective_size
from relayload.core.results.seconds import slot_of, slot_s
from relayload.core.results.selection import Selection, Series
from relayload.core.results.slices import Slices, window_count, windows
from relayload.core.results.tables import load_s
from relayload.core.results.timeline import last_due_s
from relayload.core.results.tries import Cause
from relayload.core.verdict.conditions import bad_due_s, rowwise
from relayload.core.verdict.objective import Objective, Tag
from relayload.core.verdict.stats import BySlot, Deviations, Exceedance

_NEVER = math.inf
"""When a lost request was due is not known; it is put last."""
KNOWN_OF_ALL = frozenset(name for name, metric in METRICS.items() if metric.known_of_failed)
"""Metrics that requests without an answer have, too."""
_FIRST_TOKENS = frozenset(name for name, metric in METRICS.items() if metric.of_first_token)
_NONE = Deviations()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The measured part of a run, to be asked objective by objective."""

    fold: Fold
    run: RunInfo
    lost: int
    window: "Window | None" = None
    """Where this is a piece of a run, which."""

    def requests(self, objective: Objective) -> Selection:
        """Requests that were started and that the tags of the objective admit."""
        return self._places(objective).where(lambda key: _admits(objective.tags, key))

    def series(self, objective: Objective) -> Series:
        """The values of a metric that percentiles are taken of, infinitely bad where there was no answer."""
        requests = self.requests(objective)
        if one_outcome(objective):
            return Series(requests, objective.metric)
        answered = requests if objective.metric in KNOWN_OF_ALL else requests.where(lambda key: key.ok)
        return Series(
            answered,
            objective.metric,
            self._unanswered_s(objective, requests),
            objective.worst,
        )

    def answered(self, objective: Objective) -> Selection:
        """Requests that means are taken of: those that ended ok, or as an `outcome` tag says."""
        requests = self.requests(objective)
        return requests if one_outcome(objective) else requests.where(lambda key: key.ok)

    def answers(self, objective: Objective) -> Series:
        """The values of a metric that means are taken of."""
        return Series(self.answered(objective), objective.metric)

    def deviations(self, objective: Objective) -> list[Deviations]:
        """How far the values that means are taken of are from the limit, slot by slot."""
        sums: dict[int, Deviations] = {}
        for due_s, value, count in self.answers(objective).measured():
            slot, off = self.slot(due_s), value - objective.limit
            total, n, squares = sums.get(slot, _NONE)
            sums[slot] = Deviations(total + off * count, n + count, squares + off * off * count)
        return [sums[slot] for slot in sorted(sums)]

    def gaps(self, objective: Objective) -> GapSample:
        """The gaps between chunks; each request without an answer has one that never ended. Means are as `answers`."""
        requests = self.requests(objective)
        if objective.quantile is None:
            return GapSample(self.answered(objective).gaps())
        unanswered_s = [] if one_outcome(objective) else self._unanswered_s(objective, requests)
        return GapSample(requests.gaps(), unanswered_s, objective.worst)

    def errors(self, objective: Objective) -> Exceedance:
        """How many of the requests failed as the tags say."""
        kinds = objective.tagged("kind")
        requests = self._places(objective)
        failed = requests.where(lambda key: key.failed and all(of_kind(tag, key) for tag in kinds))
        return self.exceedance(failed.due_s, requests.due_s)

    def paid(self, objective: Objective) -> Selection:
        """Requests that the tags of the objective admit, also of a warm-up: they are paid for, too."""
        return Selection(self.fold.cells).where(lambda key: tagged(objective.tags, key.place))

    def retries(self, objective: Objective) -> Exceedance:
        """How many retries the requests needed for causes as the tags say: perhaps more than there are requests."""
        kinds = objective.tagged("kind")
        requests = self._places(objective)
        due_s: list[Sorted] = [
            sorted(due_s)
            for cell in requests.cells.values()
            for cause, due_s in cell.tries.retries_due_s.items()
            if all(of_kind(tag, cause) for tag in kinds)
        ]
        return self.exceedance(together(due_s), requests.due_s)

    def goodput(self, objective: Objective) -> Exceedance | None:
        """How many of the offered requests were not good; None where nobody can tell a condition.

        Those that the client cancelled are neither. A condition is not asked of a scenario whose answers never have
        its metric, such as TTFT without streaming.
        """
        started = self._places(objective)
        ok = started.where(lambda key: key.ok)
        without = self.scenarios_without_conditions(objective)
        scenarios = {place.scenario for place in (*(key.place for key in started.cells), *self.drops(objective))}
        if scenarios and any(scenarios <= without[condition.metric] for condition in objective.conditions):
            return None
        bad = together([*self._unanswered_s(objective, started), *bad_due_s(ok, objective.conditions, without)])
        offered = together(
            [
                *(cell.values.ordered("due") for key, cell in started.cells.items() if key.ok or key.failed),
                self._dropped_s(objective),
                self._lost_s,
            ]
        )
        return self.exceedance(bad, offered) if offered.count else None

    def exceedance(self, marked_s: Ranks, due_s: Parts | Counted) -> Exceedance:
        """Of the requests due at `due_s` those that are marked."""
        by_slot = partial(self.by_slot, marked_s, due_s)
        return Exceedance(marked_s.count, due_s.count, effective_size(marked_s, due_s), by_slot)

    def breakers(self, objective: Objective) -> list[Breaker]:
        """Those in the scopes that the tags admit, with their whole history."""
        tags = objective.tags
        return breakers(change for change in self.fold.transitions if _moved(tags, change))

    @property
    def measured_spans(self) -> list[tuple[float, float]]:
        """From when to when each measured stage was, as far as it is in sight."""
        return [(span.begins_at_s, span.ends_at_s) for span in self._spans()]

    def in_measured(self, at_s: float) -> bool:
        """Whether that instant belongs to a measured stage; what comes after the load belongs to its last stage."""
        at_s = min(at_s, math.nextafter(self.load_s, 0.0))
        if self.window and not self.window.begins_at_s <= at_s < self.window.ends_at_s:
            return False
        planned = self.run.spans(math.inf)  # also where all was due at the first instant, and the load had no length
        return any(span.begins_at_s <= at_s < span.ends_at_s for span in planned if not span.stage.warmup)

    def seconds(self, objective: Objective) -> float:
        """How long the measured stages that the tags admit lasted."""
        return math.fsum(span.seconds for span in self._admitted(objective))

    def windows(self, objective: Objective) -> list["Window"]:
        """The windows that an objective asks for: whole ones of the measured stages that its tags admit.

        Stages that follow one another are cut as one. What was lost is in the last window.
        """
        over_s = objective.terms.over_s
        assert over_s is not None
        edges = [window for span in self._reached(objective) for window in windows(*span, over_s)]
        slices = Slices(self.fold, rowwise([objective]) or frozenset())
        return [
            Window(self, slices, begins_at_s, ends_at_s, over_s, last=number == len(edges))
            for number, (begins_at_s, ends_at_s) in enumerate(edges, start=1)
        ]

    def window_count(self, objective: Objective) -> int:
        """How many windows there are."""
        over_s = objective.terms.over_s
        assert over_s is not None
        return sum(window_count(*span, over_s) for span in self._reached(objective))

    def by_slot(self, marked_s: Ranks, due_s: Ranks) -> BySlot:
        """Marked and all requests slot by slot; those of which nobody knows when they were due are in the last."""
        begins_at_s, width_s = self._grid
        until_s = self.window.ends_at_s if self.window else last_due_s(self.fold)
        edges = [begins_at_s + number * width_s for number in range(1, self.slot(until_s) + 1)]
        return counts_between(edges, marked_s, due_s)

    def slot(self, due_s: float) -> int:
        """In which slot of time a request is counted that was due then, from the beginning of the run or window on."""
        return slot_of(due_s, *self._grid)

    @property
    def load_s(self) -> float:
        """When the load ended."""
        return self.window.whole.load_s if self.window else load_s(self.fold, self.run)

    def planned_spans(self, objective: Objective) -> list[tuple[float, float]]:
        """From when to when the measured stages that the tags admit are planned; those in a row as one."""
        tags = objective.tagged("stage")
        planned = (span for span in self.run.spans(math.inf) if not span.stage.warmup)
        admitted = [span for span in planned if all(tag.admits(span.stage.name) for tag in tags)]
        return joined([(span.begins_at_s, span.ends_at_s) for span in admitted])

    @property
    def _grid(self) -> tuple[float, float]:
        """When the first slot of time begins, and how wide they are."""
        return (self.window.begins_at_s, slot_s(self.window.over_s)) if self.window else (0.0, slot_s(None))

    def _reached(self, objective: Objective) -> list[tuple[float, float]]:
        """The measured stages that the tags admit, as far as they were reached; those in a row as one."""
        return joined([(span.begins_at_s, span.ends_at_s) for span in self._admitted(objective)])

    def _admitted(self, objective: Objective) -> list[Span]:
        tags = objective.tagged("stage")
        return [span for span in self._spans() if all(tag.admits(span.stage.name) for tag in tags)]

    def _spans(self) -> list[Span]:
        """The measured stages that were reached, cut to the window if there is one."""
        spans = [span for span in self.run.spans(self.load_s) if not span.stage.warmup]
        if self.window:
            begins_at_s, ends_at_s = self.window.begins_at_s, self.window.ends_at_s
            spans = [
                Span(span.stage, max(span.begins_at_s, begins_at_s), min(span.ends_at_s, ends_at_s)) for span in spans
            ]
        return [span for span in spans if span.seconds > 0]

    def _places(self, objective: Objective) -> Selection:
        """Without those that whoever interrupted the run did not wait for: nobody knows what they were to become."""
        unknown = Outcome.ABANDONED.value if self.run.interrupted_by else None
        return Selection(self.fold.cells).where(
            lambda key: _within(objective.tags, key.place) and key.outcome != unknown
        )

    def _unanswered_s(self, objective: Objective, requests: Selection) -> list[Sorted]:
        """When the requests without an answer were due: failed, dropped, ok without a token, and, being unknown, lost.

        A scenario whose answers never have the metric, such as TTFT without streaming, is not asked for it.
        """
        without = self._scenarios_without(objective.metric)
        failed = requests.where(lambda key: key.failed and key.place.scenario not in without)
        unknown = objective.metric not in KNOWN_OF_ALL
        failed_s = [cell.values.ordered("due") for cell in failed.cells.values()] if unknown else []
        return [
            *failed_s,
            *self.empty_s(objective, requests),
            self._dropped_s(objective, without),
            self._lost_s,
        ]

    @property
    def _lost_s(self) -> Sorted:
        """When the lost requests were due, which nobody knows."""
        return repeated(_NEVER, self.lost)

    def empty_s(self, objective: Objective, requests: Selection) -> list[Sorted]:
        """Where first tokens are asked for, when the streams were due that ended ok without a token."""
        streaming = self.run.streaming if objective.metric in _FIRST_TOKENS else ()
        return requests.where(lambda key: key.ok and key.place.scenario in streaming).due_without("ttft")

    def drops(self, objective: Objective) -> "dict[Place, array[float]]":
        """When the arrivals were due that the tags admit, and that could not be started."""
        return {place: due_s for place, due_s in self.fold.drops.items() if _within(objective.tags, place)}

    def scenarios_without_conditions(self, objective: Objective) -> dict[str, set[str]]:
        """By metric of the conditions, the scenarios whose answers never have it."""
        return {condition.metric: self._scenarios_without(condition.metric) for condition in objective.conditions}

    def _dropped_s(self, objective: Objective, without: AbstractSet[str] = frozenset()) -> list[float]:
        """When those were due, in order, but for those of some scenarios."""
        drops = self.drops(objective).items()
        return sorted(due for place, due_s in drops if place.scenario not in without for due in due_s)

    def _scenarios_without(self, metric: str) -> set[str]:
        """Those whose answers never have the metric, in the whole run."""
        if self.window:
            return self.window.whole._scenarios_without(metric)
        ok = Selection(self.fold.cells).where(lambda key: key.ok)
        scenarios = {key.place.scenario for key in ok.cells}
        return never_measured(metric, self.run, scenarios, lambda name: ok.where(_in_scenario(name)).measures(metric))


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a run, by the time at which its requests were due."""

    whole: Evidence
    slices: Slices
    begins_at_s: float
    ends_at_s: float
    over_s: float
    """How long it is, as the objective says."""
    last: bool
    """Of the windows of an objective."""

    @property
    def evidence(self) -> Evidence:
        """What that piece has to say."""
        piece = self.slices.cut(self.begins_at_s, self.ends_at_s)
        return Evidence(piece, self.whole.run, self.whole.lost if self.last else 0, self)


def never_measured(metric: str, run: RunInfo, answered: Iterable[str], measures: Callable[[str], bool]) -> set[str]:
    """Of the scenarios that were answered those whose answers never have the metric, so that nobody asks for it.

    A scenario that streams is asked for its first tokens whether they come or not.
    """
    if metric not in METRICS or not METRICS[metric].distribution:
        return set()
    asked = run.streaming if metric in _FIRST_TOKENS else ()
    return {name for name in answered if name not in asked and not measures(name)}


def joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order of time, those that follow one another as one."""
    joined: list[tuple[float, float]] = []
    for begins_at_s, ends_at_s in spans:
        if joined and joined[-1][1] == begins_at_s:
            joined[-1] = (joined[-1][0], ends_at_s)
        else:
            joined.append((begins_at_s, ends_at_s))
    return joined


def _in_scenario(name: str) -> Callable[[Key], bool]:
    return lambda key: key.place.scenario == name


def one_outcome(objective: Objective) -> bool:
    """The objective names the outcome it is about, so nothing else counts in it."""
    return any(not tag.negated for tag in objective.tagged("outcome"))


def _within(tags: Sequence[Tag], place: Place) -> bool:
    return place.measured and tagged(tags, place)


def tagged(tags: Sequence[Tag], place: Place) -> bool:
    values = {
        "scenario": place.scenario,
        "model": place.model,
        "stage": place.stage,
        "target": place.target or "",
    }
    return all(tag.admits(values[tag.name]) for tag in tags if tag.name in values)


def _moved(tags: Sequence[Tag], change: Transition) -> bool:
    values = {"scope": change.scope, "target": change.target or ""}
    return all(tag.admits(values[tag.name]) for tag in tags if tag.name in values)


def _admits(tags: Sequence[Tag], key: Key) -> bool:
    return all(tag.admits(key.outcome) for tag in tags if tag.name == "outcome")


def of_kind(tag: Tag, ending: Key | Cause) -> bool:
    """A kind is an outcome, a status, or what the client made of it."""
    return (tag.value in (ending.outcome, str(ending.status), ending.kind)) is not tag.negated
