"""What the client layer costs a request when nothing fails, and a million calls where much does.

    python benchmarks/client_layer.py [--requests 200000] [--rounds 5] [--calls 1000000]

First, CPU per request of a call with more and more around it; what has to be made for it, such as the signals of the
attempt, is included, and the median of the rounds counts. Then breakers and quotas alone. Then so many calls run in
simulated time against a relay with every fault and an outage, and a grader on its side counts what the client did
wrong: nothing, or this exits with 1.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from relayload.core.resilience.actions import Observation
from relayload.core.resilience.breaker import Breaker, StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.call import Call
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.dialects import classifier
from relayload.core.resilience.header_quota import HeaderQuota
from relayload.core.resilience.limit import Limit, Unit
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.protocols import QuotaLike
from relayload.core.resilience.quota import Quota
from relayload.core.resilience.retry import RetryBudget, RetryPolicy

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from simulation import FAULTY_REPLIES, Grader, Reply, poisson, simulate

HEADERS = {"content-type": "text/event-stream", "x-request-id": "req-1", "x-ratelimit-remaining-requests": "499"}
RATE_PER_S = 500.0
OUTAGE_S = (100.0, 160.0)

PER_SECOND, PER_MINUTE = Limit(2_000, 1.0), Limit(100_000, 60.0, burst=100)
TOKENS_PER_MINUTE = Limit(50_000_000, 60.0, Unit.TOKENS)


def ignore(_change: StateChange) -> None:
    """Nobody listens to the breakers here."""


def breaker() -> Breaker:
    return Breaker(BreakerPolicy(), "o3", ignore)


def three_limits() -> Quota:
    return Quota([PER_SECOND, PER_MINUTE, TOKENS_PER_MINUTE])


Gates = Callable[[], dict[str, Any]]
LAYERS: dict[str, Gates] = {
    "a call without anything": dict,
    "+ retry, budget, deadline": lambda: {"budget": RetryBudget()},
    "+ breaker": lambda: {"budget": RetryBudget(), "breaker": breaker()},
    "+ quota of three limits": lambda: {
        "budget": RetryBudget(),
        "breaker": breaker(),
        "quota": three_limits(),
        "tokens": 400,
    },
}
PARTS: dict[str, Callable[[int], float]] = {
    "breaker: acquire, record": lambda calls: breaker_us(breaker(), calls),
    "breaker of a count window": lambda calls: breaker_us(
        Breaker(BreakerPolicy(window_calls=100), "o3", ignore), calls
    ),
    "quota: reserve, settle, 1 limit": lambda calls: quota_us(Quota([PER_SECOND]), calls),
    "quota of 3 limits": lambda calls: quota_us(three_limits(), calls),
    "quota from headers": lambda calls: quota_us(HeaderQuota(), calls),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=1_000_000)
    options = parser.parse_args()
    for name, gates in LAYERS.items():
        costs_us = [cost_us(options.requests, gates()) for _ in range(options.rounds)]
        print(f"{name:<32} {statistics.median(costs_us):6.2f} µs/request")
    for name, part in PARTS.items():
        costs_us = [part(options.requests) for _ in range(options.rounds)]
        print(f"{name:<32} {statistics.median(costs_us):6.2f} µs")
    sys.exit(million(options.calls))


def cost_us(requests: int, gates: dict[str, Any]) -> float:
    """CPU of one request that is answered at once."""
    more: dict[str, Any] = {"retry": RetryPolicy(), "breaker": BreakerPolicy(slow_ttft_s=1.0)} if gates else {}
    policy, rng = ClientPolicy(classifier=classifier("litellm"), **more), Random(1)
    began_s = time.process_time()
    for index in range(requests):
        now_s = index / 1000
        call = Call(policy, rng, deadline_at_s=now_s + 120.0 if gates else None, **gates)
        call.next_action(now_s)
        signals = AttemptSignals(200, None, "stop", headers=HEADERS)
        call.observe(Observation(signals, True, 120, 0.05, 0.8), now_s + 0.0005)
        call.next_action(now_s + 0.0005)
    return (time.process_time() - began_s) / requests * 1e6


def breaker_us(each: Breaker, calls: int) -> float:
    """CPU of a call that succeeds."""
    began_s = time.process_time()
    for index in range(calls):
        permit = each.try_acquire(index / 1000)
        assert permit is not None
        each.record(permit, failed=False, slow=False, now_s=index / 1000)
    return (time.process_time() - began_s) / calls * 1e6


def quota_us(quota: QuotaLike, calls: int) -> float:
    """CPU of a place that is used for fewer tokens than reserved; the relay tells its headers, if they are followed."""
    began_s = time.process_time()
    for index in range(calls):
        place = quota.reserve(400, index / 1000)
        if isinstance(quota, HeaderQuota):
            quota.observe(place, 499, 0.12, 149_984, 0.006, index / 1000)
        quota.settle(place, 300, index / 1000)
    return (time.process_time() - began_s) / calls * 1e6


def million(calls: int) -> int:
    """Print how many calls ended how, and what the grader saw; 1 if it found a fault."""
    grader, began_s = Grader(), time.process_time()
    ends = simulate(faulty_calls(calls), faulty_relay(), grader)
    took_s = time.process_time() - began_s
    print(
        f"{len(ends):,} calls, {grader.attempts:,} attempts in {took_s:.1f} s: {took_s / len(ends) * 1e6:.1f} µs/call"
    )
    print("ended as ", dict(Counter(str(done.kind) for done in ends).most_common()))
    print("stopped by", dict(Counter(str(done.stopped_by) for done in ends).most_common()))
    print("faults   ", dict(grader.faults))
    return 1 if +grader.faults else 0


def faulty_calls(calls: int) -> Iterator[tuple[float, Call]]:
    policy, rng = ClientPolicy(retry=RetryPolicy()), Random(5)
    gates: dict[str, Any] = {"budget": RetryBudget(), "breaker": breaker(), "quota": three_limits()}
    for at_s in poisson(RATE_PER_S, calls / RATE_PER_S, Random(3)):
        yield at_s, Call(policy, rng, deadline_at_s=at_s + 60.0, tokens=400, **gates)


def faulty_relay() -> Callable[[int, float], Reply]:
    """One attempt in ten meets one of the faults; in the outage, all are refused."""
    rng, replies = Random(11), tuple(FAULTY_REPLIES.values())
    answer, refusal = FAULTY_REPLIES["answer"], FAULTY_REPLIES["come back"]

    def relay(_request: int, now_s: float) -> Reply:
        if OUTAGE_S[0] <= now_s < OUTAGE_S[1]:
            return refusal
        return rng.choice(replies) if rng.random() < 0.1 else answer

    return relay


if __name__ == "__main__":
    main()
