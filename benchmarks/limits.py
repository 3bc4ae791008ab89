"""How well searches for limits do, in simulated time: `python benchmarks/limits.py [LIMITERS] [--seed SEED]`.

Prints the table of docs/limits.md. Each limiter has a random kind, size, length, phase, latency and jitter. What a
search says of it is *right* if it is one limit of that size, length and kind; *open* if nothing that it says is false,
but something is not told, or all that a cap left to say is that there is one; *missed* if it finds none; else *wrong*.
What is not right is listed with all that seeds it.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from limits_simulation import limits_of

from relayload.core.limits.findings import Counts, FoundLimit, Limits
from relayload.core.limits.results import describe

_KINDS = ("sliding", "fixed", "bucket")
_VERDICTS = ("right", "open", "missed", "wrong")
_LENGTHS_S = (1, 1, 2, 5, 10, 30, 60)
_SIZE_ERROR, _LENGTH_ERROR = 0.03, 0.06
_TOKENS_OF_LONGEST = 2000
_MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Limiter:
    """One limit, and the relay that it stands before."""

    metric: str
    window: str
    amount: int
    window_s: int
    latency_s: float
    jitter_s: float
    phase_s: float
    seed: int

    @property
    def reachable(self) -> bool:
        """Whether requests can come so fast that it has to refuse some."""
        requests = self.amount / (_TOKENS_OF_LONGEST if self.metric == "tokens" else 1)
        return requests / self.window_s <= 0.9 * _MOST_AT_ONCE / (self.latency_s + 0.01)

    def search(self) -> Limits:
        limit = {self.metric: f"{self.amount}/{self.window_s}s", "window": self.window}
        return limits_of(limit, latency_s=self.latency_s, jitter_s=self.jitter_s, phase_s=self.phase_s, seed=self.seed)


def limiters(number: int, seed: int) -> list[Limiter]:
    """Return so many that are reachable, always the same ones for a seed."""
    found: list[Limiter] = []
    rng = Random(f"limits:{seed}")
    while len(found) < number:
        metric = rng.choice(("requests", "requests", "tokens"))
        exponent = rng.uniform(3.3, 4.8) if metric == "tokens" else rng.uniform(0.5, 2.2)
        one = Limiter(
            metric=metric,
            window=rng.choice(_KINDS),
            amount=round(10**exponent),
            window_s=rng.choice(_LENGTHS_S),
            latency_s=rng.choice((0.02, 0.05, 0.2)),
            jitter_s=rng.choice((0.0, 0.002, 0.01)),
            phase_s=round(rng.uniform(0.0, 60.0), 2),
            seed=rng.randrange(1 << 30),
        )
        if one.reachable:
            found.append(one)
    return found


def judged(limiter: Limiter, found: Limits) -> str:
    """Return what the search is, in one word."""
    if not found.limits:
        return "open" if any("was not told" in note for note in found.notes) else "missed"
    (first, *others) = found.limits
    if others or _false(limiter, first):
        return "wrong"
    told = first.kind is not None and first.window_s is not None and first.counts is not Counts.UNKNOWN
    return "right" if told else "open"


def _false(limiter: Limiter, found: FoundLimit) -> bool:
    """Return whether anything that was told is not so. A size is told with its length."""
    units = (Counts(limiter.metric), Counts.UNKNOWN)
    kind = found.kind is not None and found.kind.value != limiter.window
    if found.counts not in units or kind:
        return True
    if found.window_s is None or found.counts is Counts.UNKNOWN:
        return False
    least, most = found.amount, found.amount_at_most or found.amount
    size = least * (1 - _SIZE_ERROR) - 1 <= limiter.amount <= most * (1 + _SIZE_ERROR) + 1
    return not size or abs(found.window_s - limiter.window_s) > _LENGTH_ERROR * limiter.window_s


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("limiters", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began_s, counted = time.monotonic(), dict[tuple[str, str, str], int]()
    for each in limiters(options.limiters, options.seed):
        found = each.search()
        verdict = judged(each, found)
        row = (each.metric, each.window, verdict)
        counted[row] = counted.get(row, 0) + 1
        if verdict != "right":
            print(verdict, each, *(f"\n  {describe(one)}, {one.kind}, {one.not_told}" for one in found.limits))
            print(f"  {found.ended_by} {'; '.join(found.notes)}")
    print("| limit of | kind | " + " | ".join(_VERDICTS) + " |\n|---|---|" + "---|" * len(_VERDICTS))
    for metric in ("requests", "tokens"):
        for window in _KINDS:
            numbers = " | ".join(str(counted.get((metric, window, verdict), 0)) for verdict in _VERDICTS)
            print(f"| {metric} | {window} | {numbers} |")
    print(f"{options.limiters} limiters, {time.monotonic() - began_s:.0f}s")


if __name__ == "__main__":
    main()
