"""How near capacity searches come to a knee that is known: `python benchmarks/capacity.py [SEARCHES]`.

Prints the tables of docs/capacity.md. The relays are queues in simulated time, of which a long simulation tells the
truth; every trial is judged by the project's own statistics. First searches against relays of various sizes, times and
objectives, then relays that have no knee to be found, each of which must be called what it is.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from simulated_relays import Queue, Sent, bucket, search, sliding, true_capacity

from relayload.core.capacity.answer import Capacity, Kind

_LONG = 300_000
"""Requests of the simulation that tells the truth, at each rate."""


@dataclass(frozen=True)
class Case:
    """A relay, the objectives, and when they are met in the long run."""

    name: str
    queue: Queue
    objectives: list[str]
    met: Callable[[list[Sent]], bool]


def _slow(limit_s: float, budget: float, *, of: str = "ttft_s") -> Callable[[list[Sent]], bool]:
    """At most that share is slower or has failed."""
    return lambda sent: sum(each.status != 200 or getattr(each, of) >= limit_s for each in sent) <= budget * len(sent)


def _mean(limit_s: float) -> Callable[[list[Sent]], bool]:
    return lambda sent: sum(each.service_s for each in sent) < limit_s * len(sent)


CASES = (
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
NAMED = {
    "sliding window of 20/s": (Queue(64, 0.5, quota=sliding(20, 1.0)), Kind.QUOTA),
    "sliding window of 600/min": (Queue(64, 0.5, quota=sliding(600, 60.0)), Kind.QUOTA),
    "token bucket of 20/s, 40 deep": (Queue(64, 0.5, quota=bucket(20.0, 40)), Kind.QUOTA),
    "bounded queue": (Queue(10, 0.3, longest_queue=5), Kind.INTERVAL),
    "leak, 0.1 %/s": (Queue(16, 0.4, leak=0.001), Kind.UNSTEADY),
    "beyond the generator": (Queue(64, 0.05, generator_per_s=300.0), Kind.GENERATOR_BOUND),
    "fails at any rate": (Queue(16, 0.4, failing=0.1), Kind.NONE),
    "more than is asked for": (Queue(64, 0.2), Kind.AT_LEAST),
}


def found(case: Case, seed: int) -> Capacity:
    """Search once; the start is not made for the relay."""
    start_per_s = case.queue.saturation_per_s * (0.1, 0.25, 0.5, 0.8, 1.5)[seed % 5]
    return search(case.queue, case.objectives, seed + 1, start=start_per_s)


def named(queue: Queue, kind: Kind, seed: int) -> Capacity:
    """Search a relay that has no knee to be found."""
    most = 50.0 if kind is Kind.AT_LEAST else 1000.0
    return search(queue, ["errors.rate < 1%", "ttft.p95 < 500ms"], seed, start=8.0, lowest=1.0, highest=most)


def _print_known(searches: int) -> None:
    print("| relay and objective | knee | answer | estimate | proven | refuted | trials | load |")
    print("|---|---|---|---|---|---|---|---|")
    all_errors: tuple[list[float], ...] = ([], [], [])
    trials: list[int] = []
    minutes: list[float] = []
    for case in CASES:
        truth = true_capacity(case.queue, case.met, _LONG)
        for seed in range(searches // len(CASES)):
            capacity = found(case, seed)
            trials.append(len(capacity.trials))
            minutes.append(capacity.load_s / 60)
            found_at = (capacity.estimate_per_s, capacity.proven_per_s, capacity.refuted_per_s)
            for rate, errors in zip(found_at, all_errors, strict=True):
                if rate is not None:
                    errors.append(rate / truth - 1)
            cells = ("-" if rate is None else f"{rate / truth - 1:+.1%}" for rate in found_at)
            print(
                f"| {case.name}, {case.objectives[0]} | {truth:.4g}/s | {capacity.answer} | {' | '.join(cells)} | "
                f"{trials[-1]} | {minutes[-1]:.1f} min |",
                flush=True,
            )
    for name, errors in zip(("estimate", "proven", "refuted"), all_errors, strict=True):
        print(
            f"\n{name} in {len(errors)} of {len(trials)}: median error {median(errors):+.1%}, from {min(errors):+.1%} "
            f"to {max(errors):+.1%}; more than 3 % above the knee: {sum(error > 0.03 for error in errors)}",
            end="",
        )
    print(
        f"\ntrials: median {median(trials):g}, most {max(trials)}; load: median {median(minutes):.1f} min, most "
        f"{max(minutes):.1f} min"
    )


def _print_named() -> None:
    print("\n| relay | answers of five searches |\n|---|---|")
    for name, (queue, kind) in NAMED.items():
        answers = [named(queue, kind, seed) for seed in range(1, 6)]
        right = sum(each.answer is kind for each in answers)
        wrong = next((each.reason for each in answers if each.answer is not kind), "")
        told = next((each.reason for each in answers if each.answer is kind), "")
        print(f"| {name} | {right} of 5: {told}{f'; else: {wrong}' if wrong else ''} |", flush=True)


if __name__ == "__main__":
    began_at_s = time.perf_counter()
    _print_known(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
    _print_named()
    print(f"\n{time.perf_counter() - began_at_s:.0f} s")
