"""What a run has to say on an objective: the requests that its tags admit, as numbers."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from relayload.core.results.breakers import Breaker, breakers
from relayload.core.results.cell import Cell, Key, Place
from relayload.core.results.fold import Fold
from relayload.core.results.histogram import Histogram, middle_s
from relayload.core.results.ranks import Parts
from relayload.core.results.record import Transition
from relayload.core.results.run import RunInfo
from relayload.core.results.sample import effective_size
from relayload.core.results.selection import Selection, Series
from relayload.core.results.tables import load_s
from relayload.core.results.tries import Cause
from relayload.core.verdict.catalog import METRICS
from relayload.core.verdict.objective import Condition, Objective, Tag
from relayload.core.verdict.stats import Exceedance

_NEVER = math.inf
"""When a lost request was due is not known; it is put last."""
_KNOWN_OF_ALL = ("late", "throttled")
"""Metrics that requests without an answer have, too."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The measured part of a run, to be asked objective by objective."""

    fold: Fold
    run: RunInfo
    lost: int

    def requests(self, objective: Objective) -> Selection:
        """Requests that were started and that the tags of the objective admit."""
        return self._places(objective).where(lambda key: _admits(objective.tags, key))

    def series(self, objective: Objective) -> Series:
        """The values of a metric that percentiles are taken of, infinitely bad where there was no answer."""
        requests = self.requests(objective)
        if _one_outcome(objective):
            return Series(requests, objective.metric)
        answered = requests if objective.metric in _KNOWN_OF_ALL else requests.where(lambda key: key.ok)
        return Series(
            answered,
            objective.metric,
            self._unanswered_s(objective, requests),
            worst=-math.inf if objective.op.floor else math.inf,
        )

    def answers(self, objective: Objective) -> Series:
        """The values of a metric that means are taken of: of requests that ended ok, or as an `outcome` tag says."""
        requests = self.requests(objective)
        ok = requests if _one_outcome(objective) else requests.where(lambda key: key.ok)
        return Series(ok, objective.metric)

    def gaps(self, objective: Objective) -> "Gaps":
        """The gaps between chunks; each request without an answer has one that never ended."""
        requests = self.requests(objective)
        endless = 0 if _one_outcome(objective) else len(self._unanswered_s(objective, requests))
        return Gaps(requests.gaps(), endless)

    def errors(self, objective: Objective) -> Exceedance:
        """How many of the requests failed as the tags say."""
        kinds = objective.tagged("kind")
        requests = self._places(objective)
        failed = requests.where(lambda key: key.failed and all(_of_kind(tag, key) for tag in kinds))
        return Exceedance(failed.count, requests.count, effective_size(failed.due_s, requests.due_s))

    def paid(self, objective: Objective) -> Selection:
        """Requests that the tags of the objective admit, also of a warm-up: they are paid for, too."""
        return Selection(self.fold.cells).where(lambda key: _tagged(objective.tags, key.place))

    def retries(self, objective: Objective) -> Exceedance:
        """How many retries the requests needed for causes as the tags say: perhaps more than there are requests."""
        kinds = objective.tagged("kind")
        requests = self._places(objective)
        due_s = [
            sorted(due_s)
            for cell in requests.cells.values()
            for cause, due_s in cell.tries.retries_due_s.items()
            if all(_of_kind(tag, cause) for tag in kinds)
        ]
        marked = Parts(due_s)
        return Exceedance(marked.count, requests.count, effective_size(marked, requests.due_s))

    def goodput(self, objective: Objective) -> Exceedance | None:
        """How many of the offered requests were not good; None where nobody can tell a condition.

        Those that the client cancelled are neither. A condition is not asked of a scenario whose answers never have
        its metric, such as TTFT without streaming.
        """
        started = self._places(objective)
        ok = started.where(lambda key: key.ok)
        without = {condition.metric: self._scenarios_without(condition.metric) for condition in objective.conditions}
        scenarios = {key.place.scenario for key in ok.cells}
        if scenarios and any(scenarios <= without[condition.metric] for condition in objective.conditions):
            return None
        bad = Parts([sorted(self._unanswered_s(objective, started)), *_bad_due_s(ok, objective.conditions, without)])
        offered = Parts(
            [
                *(cell.ordered("due") for key, cell in started.cells.items() if key.ok or key.failed),
                sorted(self._dropped_s(objective)),
                [_NEVER] * self.lost,
            ]
        )
        return Exceedance(bad.count, offered.count, effective_size(bad, offered)) if offered.count else None

    def breakers(self, objective: Objective) -> list[Breaker]:
        """Those in the scopes that the tags admit, with their whole history."""
        tags = objective.tags
        return breakers(change for change in self.fold.transitions if _moved(tags, change))

    @property
    def measured_spans(self) -> list[tuple[float, float]]:
        """From when to when each measured stage was."""
        spans = self.run.spans(load_s(self.fold, self.run))
        return [(span.begins_at_s, span.ends_at_s) for span in spans if span.seconds and not span.stage.warmup]

    def in_measured(self, at_s: float) -> bool:
        """Whether that instant belongs to a measured stage; what comes after the load belongs to its last stage."""
        until_s = load_s(self.fold, self.run)
        at_s = min(at_s, math.nextafter(until_s, 0.0))
        return any(begins_at_s <= at_s < ends_at_s for begins_at_s, ends_at_s in self.measured_spans)

    def seconds(self, objective: Objective) -> float:
        """How long the measured stages that the tags admit lasted."""
        until_s = load_s(self.fold, self.run)
        tags = objective.tagged("stage")
        return math.fsum(
            self.run.stage_s(name, until_s)
            for name in self.run.measured_stages
            if all(tag.admits(name) for tag in tags)
        )

    def _places(self, objective: Objective) -> Selection:
        return Selection(self.fold.cells).where(lambda key: _within(objective.tags, key.place))

    def _unanswered_s(self, objective: Objective, requests: Selection) -> list[float]:
        """When the requests without an answer were due: failed, dropped and, since nothing is known of them, lost.

        A scenario whose answers never have the metric, such as TTFT without streaming, is not asked for it.
        """
        without = self._scenarios_without(objective.metric)
        failed = requests.where(lambda key: key.failed and key.place.scenario not in without)
        unknown = objective.metric not in _KNOWN_OF_ALL
        columns = [cell.due_s for cell in failed.cells.values()] if unknown else []
        dropped_s = self._dropped_s(objective, without)
        return [due for column in columns for due in column] + dropped_s + [_NEVER] * self.lost

    def _dropped_s(self, objective: Objective, without: AbstractSet[str] = frozenset()) -> list[float]:
        """When the arrivals were due that could not be started, but for those of some scenarios."""
        return [
            due
            for place, due_s in self.fold.drops.items()
            if _within(objective.tags, place) and place.scenario not in without
            for due in due_s
        ]

    def _scenarios_without(self, metric: str) -> set[str]:
        ok = Selection(self.fold.cells).where(lambda key: key.ok)
        scenarios = {key.place.scenario for key in ok.cells}
        if metric not in METRICS or not METRICS[metric].distribution:
            return set()
        return {name for name in scenarios if not _measures(ok.where(_in_scenario(name)), metric)}


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps between chunks, of which some never ended."""

    measured: Histogram
    endless: int

    @property
    def count(self) -> int:
        return self.measured.count + self.endless

    def at_ranks(self, ranks: Iterable[int]) -> list[float]:
        return [self._at_rank(rank) for rank in ranks]

    def count_unless(self, holds: Callable[[float], bool]) -> int:
        """Of the measured ones, how many do not fit the condition."""
        return sum(count for index, count in self.measured.counts.items() if not holds(middle_s(index)))

    def _at_rank(self, rank: int) -> float:
        return self.measured.at_ranks([rank])[0] if rank <= self.measured.count else math.inf


def _in_scenario(name: str) -> Callable[[Key], bool]:
    return lambda key: key.place.scenario == name


def _measures(ok: Selection, metric: str) -> bool:
    if metric == "chunk_gap":
        return any(cell.gaps.counts for cell in ok.cells.values())
    return any(cell.ordered(metric) for cell in ok.cells.values())


def _one_outcome(objective: Objective) -> bool:
    """The objective names the outcome it is about, so nothing else counts in it."""
    return any(not tag.negated for tag in objective.tagged("outcome"))


def _within(tags: Sequence[Tag], place: Place) -> bool:
    return place.measured and _tagged(tags, place)


def _tagged(tags: Sequence[Tag], place: Place) -> bool:
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


def _of_kind(tag: Tag, ending: Key | Cause) -> bool:
    """A kind is an outcome, a status, or what the client made of it."""
    return (tag.value in (ending.outcome, str(ending.status), ending.kind)) is not tag.negated


def _bad_due_s(
    ok: Selection, conditions: Sequence[Condition], without: Mapping[str, set[str]]
) -> Iterator[list[float]]:
    """When those were due that ended ok, but did not meet every condition that is asked of them."""
    for key, cell in ok.cells.items():
        asked = [condition for condition in conditions if key.place.scenario not in without[condition.metric]]
        met = [_meets(cell, condition) for condition in asked]
        if met:
            yield sorted(due for due, *all_met in zip(cell.due_s, *met, strict=True) if not all(all_met))


def _meets(cell: Cell, condition: Condition) -> Iterable[bool]:
    """Of each request, whether it meets the condition. An answer too short to have a time per token meets any."""
    met = map(condition.op.within(condition.limit), cell.column(condition.metric))
    if condition.metric != "tpot":
        return met
    return [meets or tokens < 2 for meets, tokens in zip(met, cell.column("output_tokens"), strict=True)]
