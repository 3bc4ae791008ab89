"""What a run has to say on an objective: the requests that its tags admit, as numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from relayload.core.results.cell import Key, Place
from relayload.core.results.fold import Fold
from relayload.core.results.histogram import Histogram, middle_s
from relayload.core.results.run import RunInfo
from relayload.core.results.sample import effective_size
from relayload.core.results.selection import Selection, Series
from relayload.core.results.tables import load_s
from relayload.core.verdict.objective import Objective, Tag
from relayload.core.verdict.stats import Exceedance

_NEVER = math.inf
"""When a lost request was due is not known; it is put last."""


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
        answered = requests if objective.metric == "late" else requests.where(lambda key: key.ok)
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
        columns: list[Iterable[float]] = []
        if objective.metric != "late":
            columns += [cell.due_s for cell in failed.cells.values()]
        columns += [
            due_s
            for place, due_s in self.fold.drops.items()
            if _within(objective.tags, place) and place.scenario not in without
        ]
        return [due for column in columns for due in column] + [_NEVER] * self.lost

    def _scenarios_without(self, metric: str) -> set[str]:
        ok = Selection(self.fold.cells).where(lambda key: key.ok)
        scenarios = {key.place.scenario for key in ok.cells}
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
    values = {"scenario": place.scenario, "model": place.model, "stage": place.stage}
    return all(tag.admits(values[tag.name]) for tag in tags if tag.name in values)


def _admits(tags: Sequence[Tag], key: Key) -> bool:
    return all(tag.admits(key.outcome) for tag in tags if tag.name == "outcome")


def _of_kind(tag: Tag, key: Key) -> bool:
    """A kind is an outcome or a status."""
    return (tag.value in (key.outcome, str(key.status))) is not tag.negated
