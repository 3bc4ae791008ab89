"""Many calls against a relay that is a function, in simulated time; and a grader that saw every attempt arrive."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple

from relayload.core.resilience.actions import Done, Observation, Send, Wait
from relayload.core.resilience.call import Call
from relayload.core.resilience.classify import AttemptSignals

GIVEN_UP = frozenset({400, 401, 402, 403, 404})
"""Statuses after which an attempt of the same request is a fault of the client."""
WALL_S = 1_795_481_212.0
"""The wall clock at the simulation's start."""


class Reply(NamedTuple):
    """What the relay does with an attempt."""

    observation: Observation
    takes_s: float
    asked_s: float = 0.0
    """How long it asked this request to stay away, in whatever words."""


Relay = Callable[[int, float], Reply]
"""A request's number and the time in, the reply out."""


@dataclass
class Grader:
    """Counts what a client did wrong, from the relay's side alone."""

    attempts: int = 0
    arrivals_s: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    last: dict[int, tuple[Reply, float]] = field(default_factory=dict)
    """Of every request under way: its last reply, and when it was given."""

    def saw(self, request: int, now_s: float) -> None:
        """An attempt has arrived."""
        self.attempts += 1
        self.arrivals_s.append(now_s)
        if request not in self.last:
            return
        reply, given_at_s = self.last[request]
        signals = reply.observation.signals
        self.faults["came earlier than asked"] += now_s < given_at_s + reply.asked_s
        self.faults["asked again what cannot be answered"] += signals.status in GIVEN_UP
        self.faults["asked again after an answer"] += signals.status == 200 and signals.failure is None
        self.faults["asked again for a stream that had begun"] += reply.observation.content_begun

    def ended(self, request: int, done: Done) -> None:
        """The client is through with a request."""
        reply = self.last.pop(request, None)
        if reply is not None and done.kind == "ok":
            self.faults["took a broken answer for a whole one"] += reply[0].observation.signals.failure is not None

    def attempts_between(self, from_s: float, to_s: float) -> int:
        return sum(from_s <= at_s < to_s for at_s in self.arrivals_s)


class Event(NamedTuple):
    at_s: float
    order: int
    request: int
    call: Call
    observation: Observation | None


def simulate(calls: Iterator[tuple[float, Call]], relay: Relay, grader: Grader) -> list[Done]:
    """Run every call from its start to its end, in the order of simulated time."""
    ends: list[Done] = []
    events: list[Event] = []
    order = count()
    upcoming = enumerate(calls)
    arrival = next(upcoming, None)
    while arrival is not None or events:
        if arrival is not None and (not events or arrival[1][0] <= events[0].at_s):
            number, (at_s, call) = arrival
            event = Event(at_s, next(order), number, call, None)
            arrival = next(upcoming, None)
        else:
            event = heappop(events)
        now_s, _, number, call, observation = event
        if observation is not None:
            call.observe(observation, now_s)
        match call.next_action(now_s):
            case Wait(seconds):
                heappush(events, Event(now_s + seconds, next(order), number, call, None))
            case Send():
                grader.saw(number, now_s)
                reply = relay(number, now_s)
                grader.last[number] = (reply, now_s + reply.takes_s)
                heappush(events, Event(now_s + reply.takes_s, next(order), number, call, reply.observation))
            case Done() as done:
                grader.ended(number, done)
                ends.append(done)
    return ends


def poisson(rate_per_s: float, for_s: float, rng: Random) -> Iterator[float]:
    """Instants of arrivals."""
    now_s = rng.expovariate(rate_per_s)
    while now_s < for_s:
        yield now_s
        now_s += rng.expovariate(rate_per_s)


ANSWER = Reply(
    Observation(AttemptSignals(200, finish_reason="stop"), content_begun=True, used_tokens=80, ttft_s=0.05), 0.2
)
"""An answer that nothing is wrong with."""

FAULTY_REPLIES = {
    "answer": ANSWER,
    "bad request": Reply(Observation(AttemptSignals(400, "http_400", headers={"retry-after": "0"})), 0.01),
    "wrong key": Reply(Observation(AttemptSignals(401, "http_401")), 0.01),
    "no money": Reply(Observation(AttemptSignals(429, "http_429", code="insufficient_quota")), 0.01),
    "cut after content": Reply(Observation(AttemptSignals(200, "no_finish"), content_begun=True), 0.3),
    "cut before content": Reply(Observation(AttemptSignals(200, "truncated")), 0.3),
    "error in the stream": Reply(Observation(AttemptSignals(200, "error_event", code="503"), content_begun=True), 0.3),
    "error in a 200": Reply(Observation(AttemptSignals(200, "error_body", code="500")), 0.1),
    "silence": Reply(Observation(AttemptSignals(None, "first_token_timeout")), 5.0),
    "nobody there": Reply(Observation(AttemptSignals(None, "connect")), 0.001),
    "come back": Reply(Observation(AttemptSignals(503, "http_503", headers={"retry-after-ms": "700"})), 0.01, 0.7),
}
