"""Relays that are queues in simulated time, with a knee that is known, and capacity searches against them.

Requests wait for one of some slots, first come, first served, and each slot serves one at a time: G/G/c. The truth is
the highest rate at which a long simulation meets the objective.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heapreplace
from random import Random
from typing import Any

import numpy as np
from msgspec import structs

from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.lengths import Lengths, samples
from relayload.core.capacity.pooling import Part, judge_together
from relayload.core.capacity.refusals import refusals
from relayload.core.capacity.search import next_step
from relayload.core.capacity.terms import Terms
from relayload.core.capacity.trial import Purpose, Trial, Wanted, trial_of
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.model.record import Attempt, End, Line, Outcome, Record
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo
from relayload.core.objectives.abort import AbortMonitor
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker
from relayload.core.objectives.verdict import assess

Admit = Callable[[float], bool]
"""Whether a request that comes at an instant is let through, or refused with a 429."""


@dataclass(frozen=True)
class Queue:
    """A relay with some slots. Times are log-normal with that mean and sigma of the logarithm."""

    slots: int
    service_s: float
    sigma: float = 0.4
    ttft_s: float = 0.05
    """The time to the first token once a slot is free; a part of the service."""
    longest_queue: int | None = None
    """Further requests are refused."""
    full_with: int = 503
    leak: float = 0.0
    """By how much the service grows in each second of load that it has had."""
    failing: float = 0.0
    """The share of requests that fail whatever the load is."""
    failing_with: int = 500
    quota: Callable[[], Admit] | None = None
    generator_per_s: float = float("inf")
    """The highest rate that the generator sends in time."""

    @property
    def saturation_per_s(self) -> float:
        return self.slots / self.service_s


@dataclass(frozen=True)
class Sent:
    """What came of a request: waits and times in seconds; a status other than 200 comes at once."""

    at_s: float
    ttft_s: float
    service_s: float
    status: int = 200


@dataclass(frozen=True)
class Gaps:
    """The gaps between arrivals: of a Poisson process, or gamma ones with a higher coefficient of variation."""

    cv: float = 1.0

    def arrivals(self, rng: np.random.Generator, rate_per_s: float, for_s: float) -> list[float]:
        count = int(rate_per_s * for_s + 10 * self.cv * (rate_per_s * for_s) ** 0.5) + 100
        shape = self.cv**-2
        gaps = (
            rng.exponential(1 / rate_per_s, count) if self.cv == 1 else rng.gamma(shape, 1 / rate_per_s / shape, count)
        )
        at_s = np.cumsum(gaps)
        return list(at_s[at_s < for_s].tolist())


POISSON = Gaps()


def requests(
    queue: Queue, rate_per_s: float, for_s: float, seed: int, spent_s: float = 0.0, gaps: Gaps = POISSON
) -> Iterator[Sent]:
    """Yield the requests of an open load, in order."""
    rng = np.random.default_rng(seed)
    serving = _Serving(queue, seed, spent_s)
    arrivals = gaps.arrivals(rng, rate_per_s, for_s)
    for at_s, factor in zip(arrivals, _factors(queue, rng, len(arrivals)), strict=True):
        yield serving.request(at_s, factor)


def requests_of_users(
    queue: Queue, users: int, for_s: float, seed: int, spent_s: float = 0.0, think_s: float = 0.0
) -> Iterator[Sent]:
    """Yield the requests of a closed load, in order: each user thinks for a while on average once it is answered."""
    rng, chance = np.random.default_rng(seed), Random(seed)
    serving = _Serving(queue, seed, spent_s)
    ready_at_s = [user / 100 for user in range(users)]  # Locust starts at most 100 users a second
    factors = list[float]()
    while ready_at_s[0] < for_s:
        factors = factors or _factors(queue, rng, 10_000)
        sent = serving.request(ready_at_s[0], factors.pop())
        yield sent
        heapreplace(ready_at_s, sent.at_s + sent.service_s + (chance.expovariate(1 / think_s) if think_s else 0.0))


def _factors(queue: Queue, rng: np.random.Generator, count: int) -> list[float]:
    """Return by how much the service of each request differs from its mean."""
    return list(rng.lognormal(-(queue.sigma**2) / 2, queue.sigma, count).tolist())


class _Serving:
    """A relay that serves requests in the order in which they come."""

    def __init__(self, queue: Queue, seed: int, spent_s: float) -> None:
        self._queue, self._spent_s, self._chance = queue, spent_s, Random(seed)
        self._free_at_s = [0.0] * queue.slots
        self._begins: list[float] = []
        self._head = 0
        self._admit = queue.quota() if queue.quota else None

    def request(self, at_s: float, factor: float) -> Sent:
        queue = self._queue
        if self._admit is not None and not self._admit(at_s):
            return Sent(at_s, 0.0, 0.002, 429)
        if queue.failing and self._chance.random() < queue.failing:
            return Sent(at_s, 0.0, 0.002, queue.failing_with)
        if queue.longest_queue is not None and self._waiting(at_s) >= queue.longest_queue:
            return Sent(at_s, 0.0, 0.002, queue.full_with)
        service_s = factor * queue.service_s * (1 + queue.leak * (self._spent_s + at_s))
        begin_s = max(at_s, self._free_at_s[0])
        heapreplace(self._free_at_s, begin_s + service_s)
        if begin_s > at_s:
            self._begins.append(begin_s)
        waited_s = begin_s - at_s
        return Sent(at_s, waited_s + queue.ttft_s, waited_s + service_s)

    def _waiting(self, at_s: float) -> int:
        while self._head < len(self._begins) and self._begins[self._head] <= at_s:
            self._head += 1
        return len(self._begins) - self._head


def sliding(size: int, window_s: float) -> Callable[[], Admit]:
    """Return a quota of so many requests in any sliding window."""

    def quota() -> Admit:
        let_through: list[float] = []

        def admit(at_s: float) -> bool:
            while let_through and let_through[0] <= at_s - window_s:
                let_through.pop(0)
            if len(let_through) >= size:
                return False
            let_through.append(at_s)
            return True

        return admit

    return quota


def bucket(per_s: float, size: int) -> Callable[[], Admit]:
    """Return a token bucket, full at first."""

    def quota() -> Admit:
        tokens, last_s = float(size), 0.0

        def admit(at_s: float) -> bool:
            nonlocal tokens, last_s
            tokens, last_s = min(size, tokens + (at_s - last_s) * per_s), at_s
            if tokens < 1:
                return False
            tokens -= 1
            return True

        return admit

    return quota


def true_capacity(
    queue: Queue, meets: Callable[[list[Sent]], bool], requests_each: int, seed: int = 1, gaps: Gaps = POISSON
) -> float:
    """Return the highest rate, to within 0.2 %, at which a long simulation meets a condition."""
    low, high = 0.2 * queue.saturation_per_s, queue.saturation_per_s * (1.02 if queue.longest_queue is None else 2)
    while high > low * 1.002:
        middle = (low * high) ** 0.5
        sent = list(requests(queue, middle, requests_each / middle, seed, gaps=gaps))
        low, high = (middle, high) if meets(sent[len(sent) // 20 :]) else (low, middle)
    return (low * high) ** 0.5


def true_users(
    queue: Queue, meets: Callable[[list[Sent]], bool], requests_each: int, think_s: float = 0.0, seed: int = 1
) -> int:
    """Return the most users with whom a long simulation meets a condition; 0 if it does with none."""
    low, high = 0, int(4 * queue.saturation_per_s * (queue.service_s + think_s)) + 1
    while high > low + 1:
        middle = (low + high) // 2
        for_s = requests_each * max((queue.service_s + think_s) / middle, 1 / queue.saturation_per_s)
        sent = list(requests_of_users(queue, middle, for_s, seed, think_s=think_s))
        low, high = (middle, high) if meets(sent[len(sent) // 20 :]) else (low, middle)
    return low


class SimulatedTrials:
    """Runs the trials of a search in simulated time and has them judged as a run is."""

    def __init__(
        self, queue: Queue, objectives: list[str], seed: int, gaps: Gaps = POISSON, think_s: float = 0.0
    ) -> None:
        self.queue, self.seed, self.gaps, self.think_s = queue, seed, gaps, think_s
        self.objectives = list(map(parse, objectives))
        self.parts: dict[int, Part] = {}
        self.spent_s = 0.0

    def run(self, wanted: Wanted, trials: list[Trial]) -> Trial:
        number = len(trials) + 1
        seed = self.seed * 1000 + number
        if wanted.users is None:
            load = requests(self.queue, wanted.rate_per_s, wanted.for_s, seed, self.spent_s, self.gaps)
        else:
            load = requests_of_users(self.queue, wanted.users, wanted.for_s, seed, self.spent_s, self.think_s)
        sent = list(load)
        objectives = [replace_options(each, strict=wanted.purpose is Purpose.CONFIRM) for each in self.objectives]
        late_s = 0.2 if wanted.rate_per_s > self.queue.generator_per_s else 0.001
        lines, info = _until_broken(list(_lines(sent, wanted, late_s)), run_of(wanted), objectives)
        assert info.ended_at_s is not None
        self.spent_s += info.ended_at_s
        fold = Fold(wanted.for_s, counts=ObjectiveCounts(objectives, info), cells=Cells.of(info))
        fold.extend(lines)
        fold.settle()
        summary, verdict = assess(objectives, fold, info)
        self.parts[number] = Part(info, lines, verdict.objectives)
        together = [self.parts[each] for each in (*wanted.pooled_with, number)]
        return trial_of(
            wanted,
            number,
            summary,
            verdict,
            pooled=judge_together(objectives, together) if wanted.pooled_with else None,
            refused=refusals(lines, info.ended_at_s, wanted.users),
            ended_by=info.stopped_by_objective,
            load_s=info.ended_at_s,
        )


def search(
    queue: Queue,
    objectives: list[str],
    seed: int = 0,
    lengths: dict[str, Any] | None = None,
    gaps: Gaps = POISSON,
    think_s: float = 0.0,
    **terms: Any,
) -> Capacity:
    """Search for the capacity of a simulated relay."""
    parsed: list[Objective] = list(map(parse, objectives))
    decide, prove = samples(parsed)
    plain = {"start": queue.saturation_per_s / 5, "lowest": 0.1, "highest": 10_000.0, "most_load_s": 1200.0}
    own = Terms(**(plain | terms), lengths=Lengths(decide=decide, prove=prove, **(lengths or {})))
    trials, simulated = list[Trial](), SimulatedTrials(queue, objectives, seed, gaps, think_s)
    while isinstance(step := next_step(trials, own), Wanted):
        trials.append(simulated.run(step, trials))
    return step


def run_of(wanted: Wanted) -> RunInfo:
    return RunInfo(
        run_id="trial",
        profile=ProfileInfo(name="trial", sha256="0" * 64),
        started_at="2026-01-02T03:04:05Z",
        load_kind="open" if wanted.users is None else "closed",
        stages=(
            StageInfo(name="warm", for_s=wanted.warmup_s, warmup=True),
            StageInfo(name="trial", for_s=wanted.measured_s),
        ),
        workers=1,
        base_url="http://127.0.0.1/v1",
        ended_at_s=wanted.for_s,
        ended_by="schedule",
    )


def _until_broken(lines: list[Line], info: RunInfo, objectives: list[Objective]) -> tuple[list[Line], RunInfo]:
    """End the run once an objective is proven broken, as a run with `abort: true` does, looking once a second."""
    every = [replace_options(each, abort=True) for each in objectives]
    monitor, so_far, maker = AbortMonitor(every), MergedSnapshot(every, info), SnapshotMaker(0, every, info)
    records = [line for line in lines if isinstance(line, Record)]
    ending = sorted(records, key=_ends_at_s)
    told = begun = 0
    assert info.ended_at_s is not None
    for now_s in map(float, range(1, int(info.ended_at_s))):
        begun = bisect_left(records, now_s, begun, key=lambda record: record.intended_at_s)
        ended = bisect_left(ending, now_s, told, key=_ends_at_s)
        maker.add(ending[told:ended])
        told = ended
        so_far.replace(maker.snapshot(now_s))
        if breach := monitor.breach(so_far, now_s, begun - told):
            ended_info = structs.replace(info, ended_at_s=now_s, ended_by="objective", stopped_by_objective=str(breach))
            end = End(worker=0, at_s=now_s, started=begun, dropped=0, timestamps="kernel")
            return [*records[:begun], end], ended_info
    return lines, info


def _ends_at_s(record: Record) -> float:
    return record.intended_at_s + record.latency_s


_OUTCOMES = {200: Outcome.OK, 429: Outcome.RATE_LIMITED, 500: Outcome.SERVER_ERROR, 503: Outcome.SERVER_ERROR}


def _lines(sent: list[Sent], wanted: Wanted, late_s: float) -> Iterator[Line]:
    for index, each in enumerate(sent):
        measured = each.at_s >= wanted.warmup_s
        outcome = _OUTCOMES[each.status]
        attempt = Attempt(outcome=outcome, status=each.status, service_s=each.service_s)
        if outcome is Outcome.OK:
            attempt = structs.replace(
                attempt,
                ttft_s=each.ttft_s,
                ttfo_s=each.ttft_s,
                last_token_s=each.service_s,
                streamed_tokens=10,
                output_tokens=10,
                input_tokens=20,
            )
        yield Record(
            index=index,
            worker=0,
            scenario="chat",
            stage="trial" if measured else "warm",
            model="o3",
            measured=measured,
            intended_at_s=each.at_s,
            late_s=late_s,
            latency_s=late_s + each.service_s,
            outcome=outcome,
            attempts=(attempt,),
        )
    yield End(worker=0, at_s=wanted.for_s, started=len(sent), dropped=0, timestamps="kernel")
