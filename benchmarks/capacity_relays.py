"""The relays of `benchmarks/capacity.py`: queues in simulated time, and objectives of which a long simulation tells the
truth."""

from collections.abc import Callable
from dataclasses import dataclass

from simulated_relays import POISSON, Gaps, Queue, Sent, bucket, sliding, true_capacity, true_users

from relayload.core.capacity.answer import Kind

_LONG = 300_000
"""Requests of the simulation that tells the truth, at each rate."""
_LONG_WITH_USERS = 100_000

Met = Callable[[list[Sent]], bool]
"""Whether the objectives are met in the long run."""


@dataclass(frozen=True)
class Case:
    """A relay, and the objectives that bind."""

    name: str
    queue: Queue
    objectives: list[str]
    met: Met
    gaps: Gaps = POISSON

    def truth(self) -> float:
        """Return the highest rate that meets the objectives."""
        return true_capacity(self.queue, self.met, _LONG, gaps=self.gaps)


@dataclass(frozen=True)
class UsersCase:
    """A relay that is used by a closed load, and the objectives that bind."""

    name: str
    queue: Queue
    objectives: list[str]
    met: Met
    think_s: float = 0.0

    def truth(self) -> int:
        """Return the most users with whom the objectives are met."""
        return true_users(self.queue, self.met, _LONG_WITH_USERS, self.think_s)


def _slow(limit_s: float, budget: float, *, of: str = "ttft_s") -> Met:
    """At most that share is slower or has failed."""
    return lambda sent: sum(each.status != 200 or getattr(each, of) >= limit_s for each in sent) <= budget * len(sent)


def _mean(limit_s: float, *, of: str = "service_s") -> Met:
    return lambda sent: sum(getattr(each, of) for each in sent) < limit_s * len(sent)


KNOWN = (
    Case("32 slots x 2 s", Queue(32, 2.0, 0.6, 0.3), ["ttft.p95 < 1s", "errors.rate < 1%"], _slow(1.0, 0.05)),
    Case("8 slots x 0.5 s", Queue(8, 0.5), ["ttft.p95 < 500ms"], _slow(0.5, 0.05)),
    Case("16 slots x 0.4 s", Queue(16, 0.4, 0.3), ["ttft.p99 < 400ms"], _slow(0.4, 0.01)),
    Case("4 slots x 0.2 s", Queue(4, 0.2, 0.5), ["latency.p90 < 600ms"], _slow(0.6, 0.1, of="service_s")),
    Case("64 slots x 1.5 s", Queue(64, 1.5, 0.5, 0.2), ["ttft.p95 < 600ms"], _slow(0.6, 0.05)),
    Case(
        "10 slots x 0.3 s, queue of 5",
        Queue(10, 0.3, 0.4, longest_queue=5),
        ["errors.rate < 1%", "ttft.p95 < 1s"],
        _slow(9.0, 0.01),
    ),
    Case("20 slots x 1 s", Queue(20, 1.0, 0.4), ["latency.avg < 1200ms"], _mean(1.2)),
    Case("12 slots x 0.6 s", Queue(12, 0.6, 0.4), ["goodput{ttft<300ms}.rate >= 90%"], _slow(0.3, 0.1)),
)
"""The relays on which the constants of the search were chosen."""

FRESH = (
    Case("24 slots x 3 s", Queue(24, 3.0, 0.7, 0.4), ["ttft.p90 < 1500ms", "errors.rate < 2%"], _slow(1.5, 0.1)),
    Case("6 slots x 0.8 s", Queue(6, 0.8, 0.2, 0.1), ["ttft.p95 < 1s"], _slow(1.0, 0.05)),
    Case("48 slots x 0.25 s", Queue(48, 0.25, 0.8, 0.02), ["ttft.p99 < 200ms"], _slow(0.2, 0.01)),
    Case("5 slots x 0.3 s", Queue(5, 0.3, 1.0, 0.05), ["latency.p95 < 1500ms"], _slow(1.5, 0.05, of="service_s")),
    Case("40 slots x 1 s, bursts", Queue(40, 1.0, 0.5, 0.2), ["ttft.p95 < 800ms"], _slow(0.8, 0.05), Gaps(2.0)),
    Case("16 slots x 0.6 s, bursts", Queue(16, 0.6, 0.3, 0.1), ["ttft.p90 < 500ms"], _slow(0.5, 0.1), Gaps(2.5)),
    Case(
        "20 slots x 0.5 s, queue of 3",
        Queue(20, 0.5, 0.6, longest_queue=3),
        ["errors.rate < 2%", "ttft.p95 < 1s"],
        _slow(9.0, 0.02),
    ),
    Case("10 slots x 1.2 s", Queue(10, 1.2, 0.5, 0.15), ["ttft.avg < 400ms"], _mean(0.4, of="ttft_s")),
)
"""Relays that no constant was chosen on, with other slots, times, skews and objectives, and arrivals in bursts."""

USERS = (
    UsersCase("32 slots x 2 s", Queue(32, 2.0, 0.6, 0.3), ["ttft.p95 < 1s"], _slow(1.0, 0.05)),
    UsersCase("8 slots x 0.5 s", Queue(8, 0.5), ["latency.p95 < 2s"], _slow(2.0, 0.05, of="service_s")),
    UsersCase("16 slots x 1 s, think 4 s", Queue(16, 1.0, 0.5), ["ttft.p95 < 1s"], _slow(1.0, 0.05), 4.0),
    UsersCase(
        "10 slots x 0.3 s, queue of 5, think 1 s",
        Queue(10, 0.3, 0.4, longest_queue=5),
        ["errors.rate < 1%"],
        _slow(9.0, 0.01),
        1.0,
    ),
)

NAMED = {
    "sliding window of 20/s": (Queue(64, 0.5, quota=sliding(20, 1.0)), Kind.QUOTA, "20/s"),
    "sliding window of 600/min": (Queue(64, 0.5, quota=sliding(600, 60.0)), Kind.QUOTA, "600/min"),
    "token bucket of 20/s, 40 deep": (Queue(64, 0.5, quota=bucket(20.0, 40)), Kind.QUOTA, "about 2"),
    "bounded queue, 503s": (Queue(10, 0.3, longest_queue=5), Kind.INTERVAL, "more than 15 requests at once"),
    "bounded queue, 429s": (
        Queue(24, 0.8, longest_queue=6, full_with=429),
        Kind.INTERVAL,
        "more than 30 requests at once",
    ),
    "leak, 0.05 %/s": (Queue(16, 0.4, leak=0.0005), Kind.UNSTEADY, "passed, and later"),
    "leak, 0.1 %/s": (Queue(16, 0.4, leak=0.001), Kind.UNSTEADY, "passed, and later"),
    "leak, 0.2 %/s": (Queue(16, 0.4, leak=0.002), Kind.UNSTEADY, "passed, and later"),
    "beyond the generator": (Queue(64, 0.05, generator_per_s=300.0), Kind.GENERATOR_BOUND, "generator"),
    "fails at any rate": (Queue(16, 0.4, failing=0.1), Kind.NONE, "errors.rate < 1%"),
    "more than is asked for": (Queue(64, 0.2), Kind.AT_LEAST, "at least 50/s"),
}
"""Relays without a knee to be found, with the answer, and words that must be in its reason."""
