"""How near capacity searches come to a knee that is known: `python benchmarks/capacity.py [SEARCHES] [--fresh SEED]`.

Prints the tables of docs/capacity.md. The relays of `capacity_relays.py` are queues in simulated time, of which a long
simulation tells the truth; every trial is judged by the project's own statistics. First searches against relays of
various sizes, times and objectives, then searches over users, then relays that have no knee to be found, each of which
must be called what it is. With `--fresh` the first are relays and seeds on which no constant was chosen.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from capacity_relays import FRESH, KNOWN, NAMED, USERS, Case, UsersCase
from simulated_relays import Queue, search

from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.levels import Over

_USERS_SEARCHES = 5


def found(case: Case, seed: int, start: float) -> Capacity:
    """Search once over rates, from that multiple of the saturation."""
    return search(case.queue, case.objectives, seed, start=case.queue.saturation_per_s * start, gaps=case.gaps)


def users_found(case: UsersCase, seed: int) -> Capacity:
    """Search once over users."""
    return search(
        case.queue,
        case.objectives,
        seed,
        over=Over.USERS,
        start=10.0,
        lowest=1.0,
        highest=1000.0,
        think_s=case.think_s,
    )


def named(queue: Queue, kind: Kind, seed: int) -> Capacity:
    """Search a relay that has no knee to be found."""
    most = 50.0 if kind is Kind.AT_LEAST else 1000.0
    return search(queue, ["errors.rate < 1%", "ttft.p95 < 500ms"], seed, start=8.0, lowest=1.0, highest=most)


class _Table:
    """A row for each search, and the sums below."""

    def __init__(self) -> None:
        self._errors: dict[str, list[float]] = {"estimate": [], "proven": [], "refuted": []}
        self._found: list[Capacity] = []
        print("| relay and objective | knee | answer | estimate | proven | refuted | trials | load |")
        print("|---|---|---|---|---|---|---|---|")

    def add(self, case: Case | UsersCase, truth: float, capacity: Capacity) -> None:
        self._found.append(capacity)
        cells = []
        for errors, level in zip(self._errors.values(), _levels(capacity), strict=True):
            if level is not None:
                errors.append(level / truth - 1)
            cells.append("-" if level is None else f"{level / truth - 1:+.1%}")
        print(
            f"| {case.name}, {case.objectives[0]} | {capacity.over.told(truth)} | {capacity.answer} | "
            f"{' | '.join(cells)} | {len(capacity.trials)} | {capacity.load_s / 60:.1f} min |",
            flush=True,
        )

    def sums(self) -> None:
        found = self._found
        for name, errors in self._errors.items():
            print(
                f"\n{name} in {len(errors)} of {len(found)}: median error {median(errors):+.1%}, "
                f"from {min(errors):+.1%} to {max(errors):+.1%}; more than 3 % above the knee: "
                f"{sum(error > 0.03 for error in errors)}",
                end="",
            )
        trials, minutes = [len(each.trials) for each in found], [each.load_s / 60 for each in found]
        print(
            f"\ntrials: median {median(trials):g}, most {max(trials)}; load: median {median(minutes):.1f} min, most "
            f"{max(minutes):.1f} min; answers: {sum(each.answer is Kind.INTERVAL for each in found)} intervals\n"
        )


def _levels(capacity: Capacity) -> Sequence[float | None]:
    if capacity.over is Over.RATE:
        return capacity.estimate_per_s, capacity.proven_per_s, capacity.refuted_per_s
    return capacity.estimate_users, capacity.proven_users, capacity.refuted_users


def _print_known(searches: int, fresh: int | None) -> None:
    table, cases, chance = _Table(), KNOWN if fresh is None else FRESH, Random(fresh)
    for case in cases:
        truth = case.truth()
        for number in range(searches // len(cases)):
            if fresh is None:
                seed, start = number + 1, (0.1, 0.25, 0.5, 0.8, 1.5)[number % 5]
            else:
                seed, start = fresh + number, chance.uniform(0.1, 1.5)
            table.add(case, truth, found(case, seed, start))
    table.sums()


def _print_users(first_seed: int) -> None:
    table = _Table()
    for case in USERS:
        truth = case.truth()
        for number in range(_USERS_SEARCHES):
            table.add(case, truth, users_found(case, first_seed + number))
    table.sums()


def _print_named() -> None:
    print("| relay | answers of five searches |\n|---|---|")
    for name, (queue, kind, told) in NAMED.items():
        answers = [named(queue, kind, seed) for seed in range(1, 6)]
        right = [each.reason for each in answers if each.answer is kind and told in each.reason]
        wrong = [each.reason for each in answers if each.reason not in right]
        cells = [*right[:1], *(f"else: {reason}" for reason in wrong[:1])]
        print(f"| {name} | {len(right)} of 5: {'; '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("searches", nargs="?", default=40, type=int)
    parser.add_argument("--fresh", metavar="SEED", type=int)
    arguments = parser.parse_args()
    began_at_s = time.perf_counter()
    _print_known(arguments.searches, arguments.fresh)
    _print_users(arguments.fresh or 1)
    _print_named()
    print(f"\n{time.perf_counter() - began_at_s:.0f} s")
