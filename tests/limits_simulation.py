"""Limiters in simulated time: those of the fake relay, behind a relay that takes a while to answer."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from relayload.core.limits.findings import Limits
from relayload.core.limits.observation import Pause, Seen, Stopped, Verdict, Volley
from relayload.core.limits.search import Search, Terms
from relayload.core.limits.steps import carry_out
from relayload.fakerelay.limits import Limit, Meter, Metric

KEYS, MODELS = ("a", "b"), ("m", "n")


@dataclass
class SimulatedRelay:
    """Answers volleys in simulated time."""

    limits: Sequence[Limit]
    latency_s: float = 0.05
    way_s: float = 0.004
    jitter_s: float = 0.0
    seed: int = 1
    max_requests: int = 3000
    max_time_s: float = 600.0
    verdict: Callable[[Random], Verdict] | None = None
    phase_s: float = 0.0
    asks: Callable[[float | None], float | None] = lambda wait_s: wait_s
    token_s: float = 0.005
    requests: int = 0
    arrived_s: float = 0.0
    now_s: float = 0.0
    began_s: float = 0.0
    refused_count: bool = False
    failed_count: bool = False
    _meters: dict[tuple[int, str], Meter] = field(default_factory=dict)

    def __post_init__(self):
        self.rng = Random(self.seed)
        self.now_s = self.began_s = 1000.0 + self.phase_s
        self._ends: list[tuple[float, int, list[Meter]]] = []

    def run(self, steps) -> None:
        carry_out(steps, self._carried_out)

    def _carried_out(self, step):
        if isinstance(step, Pause):
            if step.until_s - self.began_s > self.max_time_s:
                self.now_s = self.began_s + self.max_time_s
                raise Stopped("--max-time was reached")
            self.now_s = max(self.now_s, step.until_s)
            return self.now_s, []
        seen = self._volley(step)
        return self.now_s, seen

    def _volley(self, volley: Volley) -> list[Seen]:
        seen: list[Seen] = []
        free = [self.now_s] * volley.at_once
        next_s = self.now_s
        first_s = self.now_s
        for number in range(volley.requests + (volley.late_s is not None)):
            late = number == volley.requests
            at_s = first_s + (volley.late_s or 0.0) if late else max(next_s, heapq.heappop(free))
            if volley.until_refused and any(each.refused and each.answered_at_s <= at_s for each in seen):
                break
            if self.requests >= self.max_requests:
                raise Stopped("--max-requests was reached")
            self.requests += 1
            next_s = at_s + max(volley.gap_s, 1e-4)
            one = self._request(at_s, volley.late if late and volley.late else volley)
            seen.append(one)
            heapq.heappush(free, one.answered_at_s)
        self.now_s = max([self.now_s, *(each.answered_at_s for each in seen)])
        return sorted(seen, key=lambda each: each.at_s)

    def _request(self, at_s: float, volley: Volley) -> Seen:
        arrived_s = self._arrived_s(at_s)
        answered_s = arrived_s + self.way_s / 2
        tokens = 10 + volley.input_tokens + volley.output_tokens
        meters = self._meters_of(volley, tokens)
        if volley.malformed:
            self._take(meters if self.failed_count else [], arrived_s)
            return self._seen(at_s, answered_s, Verdict.FAILED, volley, tokens)
        waits = [meter.wait_s(weight, arrived_s) for meter, weight in meters]
        refusing = [wait_s for wait_s in waits if wait_s != 0.0]
        if refusing:
            self._take(meters if self.refused_count else [], arrived_s)
            wait_s = max((each for each in refusing if each is not None), default=None)
            return self._seen(at_s, answered_s, Verdict.REFUSED, volley, tokens, self.asks(wait_s))
        if self.verdict is not None and (verdict := self.verdict(self.rng)) is not Verdict.ADMITTED:
            return self._seen(at_s, answered_s, verdict, volley, tokens)
        self._take(meters, arrived_s)
        ends_s = arrived_s + self.latency_s + volley.output_tokens * self.token_s
        heapq.heappush(self._ends, (ends_s, self.requests, [meter for meter, _ in meters]))
        return self._seen(at_s, ends_s + self.way_s / 2, Verdict.ADMITTED, volley, tokens)

    def _arrived_s(self, at_s: float) -> float:
        """Return when it arrives, in order, and note all answers that ended before."""
        self.arrived_s = max(self.arrived_s, at_s + self.way_s / 2 + self.rng.random() * self.jitter_s)
        while self._ends and self._ends[0][0] <= self.arrived_s:
            for meter in heapq.heappop(self._ends)[2]:
                meter.give_back()
        return self.arrived_s

    def _meters_of(self, volley: Volley, tokens: int) -> list[tuple[Meter, int]]:
        """Return the meters of all limits that apply, with what it weighs there."""
        model, key = MODELS[volley.model], KEYS[volley.key]
        return [
            (self._meter(number, limit, model, key), tokens if limit.metric is Metric.TOKENS else 1)
            for number, limit in enumerate(self.limits)
        ]

    def _take(self, meters: Sequence[tuple[Meter, int]], at_s: float) -> None:
        for meter, weight in meters:
            meter.take(weight, at_s)

    def _seen(self, at_s, answered_at_s, verdict, volley, tokens, asked_s=None) -> Seen:
        return Seen(
            at_s=at_s,
            answered_at_s=answered_at_s,
            verdict=verdict,
            tokens=tokens,
            model=volley.model,
            key=volley.key,
            retry_after_s=asked_s,
            reason="" if verdict is Verdict.ADMITTED else "503",
        )

    def _meter(self, number: int, limit: Limit, model: str, key: str) -> Meter:
        counter = (number, key if limit.per == "key" else model)
        if counter not in self._meters:
            self._meters[counter] = limit.meter()
        return self._meters[counter]


def limits_of(*limits: dict, terms: dict | None = None, told: list[str] | None = None, **relay) -> Limits:
    """Search for the limits of a simulated relay, written as in a preset."""
    simulated = SimulatedRelay([Limit.model_validate(each) for each in limits], **relay)
    search = Search(Terms(max_requests=simulated.max_requests, **(terms or {})), (told or []).append)
    simulated.run(search.steps(simulated.now_s))
    return search.found()
