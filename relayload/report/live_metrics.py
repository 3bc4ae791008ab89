"""Metrics of a run for Prometheus, while it goes on and just after, from the merged snapshot."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import Metric as MetricFamily
from prometheus_client.utils import floatToGoString

from relayload.core.metrics.breaker_history import breaker_histories, trips
from relayload.core.metrics.cost import paid
from relayload.core.metrics.tag_slots import TagCounts
from relayload.core.model.record import BreakerState
from relayload.core.model.tags import DROPPED, REFUSED, PlanTags, Tags
from relayload.core.model.verdict import Status
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.stats.rebinned import Bounds, total_s
from relayload.report import metric_families as families
from relayload.report.metric_families import HISTOGRAMS, OVERFLOW, PLACE, Labels
from relayload.report.openmetrics import objective_families

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
"""The upper bounds of the buckets of histograms, to which one without a bound is added."""
MOST_PLACES = 50
"""The most combinations of scenario, model, target, stage and key with series of their own."""
_RUNNING = "running"
_STATES = (_RUNNING, *(status.name.lower() for status in Status))
_UNSENT = (DROPPED, REFUSED)
_TOKEN_TYPES = ("input", "cached_input", "output", "reasoning")
_ELSEWHERE = ((OVERFLOW, "true"),)
Key = tuple[tuple[str, str], ...]
"""Labels, as a key."""


class Placed(NamedTuple):
    """Requests of the same tags, with the labels of their place."""

    place: Key
    tags: Tags
    counts: TagCounts

    @property
    def by_outcome(self) -> Key:
        return (*self.place, ("outcome", self.tags.outcome))


def live_metrics(run: RunSoFar) -> Iterator[MetricFamily]:
    """Yield every family that has a value, one at a time, so that the caller can do other work in between."""
    placed = placed_of(run)
    yield from numbers(run, placed)
    ended = ended_of(placed)
    for metric, family in HISTOGRAMS.items():
        yield from family.sampled(_buckets(metric, ended))


def numbers(run: RunSoFar, placed: Sequence["Placed"]) -> Iterator[MetricFamily]:
    """Yield the families that are no distributions, likewise."""
    ended = ended_of(placed)
    yield from _of_run(run)
    yield from objective_families(run.objectives)
    yield from _of_load(run)
    yield from families.DROPPED.filled(
        sums((each.by_outcome, each.counts.due) for each in placed if each.tags.outcome in _UNSENT)
    )
    yield from families.REQUESTS.filled(sums((each.by_outcome, each.counts.ended) for each in ended))
    yield from families.RETRIES.filled(sums((each.place, each.counts.retries) for each in ended))
    yield from families.TOKENS.filled(sums(_tokens(ended)))
    yield from _of_breakers(run.merged)
    yield from _of_cost(run)


def _of_run(run: RunSoFar) -> Iterator[MetricFamily]:
    info, summary, verdict = run.merged.run, run.summary, run.verdict
    told = {"run_id": info.run_id, "profile": info.profile.name, "load_kind": info.load_kind, "version": run.version}
    state = _RUNNING if verdict is None else verdict.verdict.name.lower()
    yield from families.RUN_INFO.filled([(told, 1)])
    yield from families.RUN_STATE.filled(({"state": name}, name == state) for name in _STATES)
    yield from families.ELAPSED.filled([({}, run.progress.elapsed_s if summary is None else summary.duration_s)])
    yield from families.WORKERS.filled([({}, run.progress.workers)])
    if summary is not None and verdict is not None:
        yield from families.RUN_VALID.filled([({}, summary.generator.valid)])
        yield from families.EXIT_CODE.filled([({}, verdict.exit_code)])


def _of_load(run: RunSoFar) -> Iterator[MetricFamily]:
    """Yield the counts of the whole load. How many requests are lost is known once the run is judged."""
    counts = run.progress if run.summary is None else run.summary.counts
    yield from families.OFFERED.filled([({}, counts.offered)])
    yield from families.STARTED.filled([({}, counts.started)])
    yield from families.IN_FLIGHT.filled([({}, run.progress.in_flight)])
    if run.summary is not None:
        yield from families.LOST.filled([({}, run.summary.counts.lost)])
        yield from families.ATTEMPTS.filled([({}, run.summary.counts.attempts)])


def _of_breakers(merged: MergedSnapshot) -> Iterator[MetricFamily]:
    latest = [history.changes[-1] for history in breaker_histories(merged.transitions)]
    states = Counter((change.scope, change.after) for change in latest)
    opened = Counter(trip.scope for trip in trips(merged.transitions))
    scopes = sorted({change.scope for change in latest})
    yield from families.BREAKERS.filled(
        ({"scope": scope, "state": state.value}, states[scope, state]) for scope in scopes for state in BreakerState
    )
    yield from families.BREAKER_TRIPS.filled(({"scope": scope}, opened[scope]) for scope in scopes)


def _of_cost(run: RunSoFar) -> Iterator[MetricFamily]:
    cost = paid(run.merged.used, run.merged.run)
    yield from families.COST.filled([({}, _number(cost.usd if cost.by_model else None))])
    yield from families.COST_LIMIT.filled([({}, _number(run.caps.usd))])
    yield from families.REQUESTS_LIMIT.filled([({}, run.caps.requests)])


def placed_of(run: RunSoFar) -> list[Placed]:
    """Return all requests; those of the first places that were used have the labels of their place."""
    places: dict[Key, None] = {}
    found = []
    for tags, counts in run.merged.totals.items():
        place = _place(tags.plan_tags)
        if place not in places and len(places) < MOST_PLACES:
            places[place] = None
        found.append(Placed(place if place in places else _ELSEWHERE, tags, counts))
    return found


def ended_of(placed: Iterable[Placed]) -> list[Placed]:
    """Return those that were sent and have ended."""
    return [each for each in placed if each.tags.outcome not in _UNSENT]


def _place(plan_tags: PlanTags) -> Key:
    told = ((name, getattr(plan_tags, name)) for name in PLACE)
    return tuple((name, value) for name, value in told if value is not None)


def sums(parts: Iterable[tuple[Key, float]]) -> Iterator[tuple[Labels, float]]:
    """Yield the sum of the numbers of each set of labels."""
    totals: dict[Key, float] = {}
    for labels, number in parts:
        totals[labels] = totals.get(labels, 0) + number
    return ((dict(labels), number) for labels, number in totals.items())


def _tokens(ended: Iterable[Placed]) -> Iterator[tuple[Key, int]]:
    for each in ended:
        for name in _TOKEN_TYPES:
            yield (*each.place, ("type", name)), getattr(each.counts.tokens, name)


def _buckets(metric: str, ended: Iterable[Placed]) -> Iterator[tuple[str, Labels, float]]:
    """Yield the samples of a histogram: each value counts as the middle of its bucket in the snapshot."""
    for key, counts in counts_of((each.by_outcome, each.counts.histograms.get(metric)) for each in ended):
        labels, within = dict(key), _BOUNDS.counts(counts)
        for le, count in zip(_LE, accumulate(within), strict=True):
            yield "_bucket", {**labels, "le": le}, count
        yield "_count", labels, sum(within)
        yield "_sum", labels, total_s(counts)


def counts_of(parts: Iterable[tuple[Key, Mapping[int, int] | None]]) -> Iterable[tuple[Key, Mapping[int, int]]]:
    """Return the counts of buckets of each set of labels, where there are any."""
    by_labels: defaultdict[Key, Counter[int]] = defaultdict(Counter)
    for labels, counts in parts:
        if counts:
            by_labels[labels].update(counts)
    return by_labels.items()


_BOUNDS = Bounds(BOUNDS_S)
_LE = (*map(floatToGoString, BOUNDS_S), "+Inf")


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
