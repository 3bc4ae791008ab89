"""What verdicts, intervals and aborts are worth: `python benchmarks/verdicts.py [RUNS] [TABLE]`.

Prints the tables of docs/objectives.md: `intervals`, `verdicts` and `aborts`, or one of them, from so many simulated
runs of series of which the truth is known. A share of 400 runs is known to within some two points.
"""

import math
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from known_series import SERIES, bad_latencies, bad_requests, coverage, coverage_of_the_mean, stopped, verdicts

_PLANNED = 6000
"""Requests in a run that may be ended early."""
_TABLED = (50.0, 90.0, 95.0, 99.0)


def _print_intervals(runs: int) -> None:
    print("| series | n | " + " | ".join(f"p{p:g}" for p in _TABLED) + " | avg |")
    print("|---|---|" + "---|" * (len(_TABLED) + 1))
    for series in SERIES:
        for n in (1000, 5000):
            found = coverage(series, n, runs, _TABLED).values()
            cells = [f"{100 * held:.0f} ({100 * told:.0f})" for held, told in found]
            mean = f"{100 * coverage_of_the_mean(series, n, runs):.0f}"
            print(f"| {series.name} | {n:,} | {' | '.join([*cells, mean])} |", flush=True)


def _print_verdicts(runs: int) -> None:
    print("| series | n | " + " | ".join(f"p95 {x:+.0%} | p99 {x:+.0%}" for x in (-0.1, 0.0, 0.1)) + " |")
    print("|---|---|" + "---|" * 6)
    for series in SERIES:
        for n in (300, 1000, 5000):
            cells = []
            for ratio in (0.9, 1.0, 1.1):
                for p in (95.0, 99.0):
                    found = verdicts(series, n, runs, p, ratio)
                    shares = (found.failed, found.passed - found.proven, found.proven, found.compared)
                    cells.append(" / ".join(f"{100 * share:.0f}" for share in shares))
            print(f"| {series.name} | {n:,} | {' | '.join(cells)} |", flush=True)


def _print_aborts(runs: int) -> None:
    print("| series | objective | at the limit | 10 % better | twice the budget | half | all |")
    print("|---|---|---|---|---|---|---|")
    for length in (1, 10, 30):
        for limit in (0.01, 0.05, 0.2):
            expr, shares = f"errors.rate < {limit:.0%}", (limit, 0.9 * limit, 2 * limit, 0.5, 1.0)
            cells = [_told(stopped(expr, bad_requests(share, length, runs, _PLANNED))) for share in shares]
            print(f"| failures in clusters of {length} | errors < {limit:.0%} | {' | '.join(cells)} |", flush=True)
    for series in SERIES:
        for p in _TABLED[1:]:
            expr, truth = f"latency.p{p:g} < 1s", series.quantile(p / 100)
            limits = (truth, truth / 0.9, series.quantile(2 * p / 100 - 1), series.quantile(0.5), -1.0)
            cells = [_told(stopped(expr, bad_latencies(series, limit, runs, _PLANNED))) for limit in limits]
            print(f"| {series.name} | p{p:g} | {' | '.join(cells)} |", flush=True)


def _told(stops: list[int]) -> str:
    """Return the share of runs that were ended, and the median number of requests before that."""
    share = f"{100 * sum(map(bool, stops)) / len(stops):.1f} %"
    median = sorted(stop or math.inf for stop in stops)[len(stops) // 2]
    return share if math.isinf(median) else f"{share}, {int(median):,}"


if __name__ == "__main__":
    for print_table in (_print_intervals, _print_verdicts, _print_aborts):
        if len(sys.argv) < 3 or sys.argv[2] in print_table.__name__:
            print_table(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
            print()
