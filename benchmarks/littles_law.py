"""How often the check of Little's law says what is not so: `python benchmarks/littles_law.py [RUNS]`.

Prints the table of docs/capacity.md: the share of measured parts of 30 s and 120 s in which a queue in simulated time
is said to break the law. Below its saturation every one is a false alarm; above it, in flight grows through each.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from simulated_relays import Queue, requests

from relayload.core.capacity.littles_law import in_flight

_QUEUE = Queue(8, 0.5, sigma=0.7)
_LENGTHS_S = (30.0, 120.0)
_AFTER_S = 30.0
"""Long enough for what is in flight at the end to have come."""


def broken(load: float, for_s: float, seed: int) -> bool:
    """Return whether the law is said to be broken at that part of the saturation."""
    begins_at_s = 60.0 if load < 1 else 10.0  # until a queue is steady; one that never is keeps growing
    sent = list(requests(_QUEUE, load * _QUEUE.saturation_per_s, begins_at_s + for_s + _AFTER_S, seed))
    found = in_flight([([one.at_s for one in sent], [one.service_s for one in sent])], begins_at_s, begins_at_s + for_s)
    return found is not None and found.beyond


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("| load | " + " | ".join(f"{for_s:g} s" for for_s in _LENGTHS_S) + " |")
    print("|---" * (1 + len(_LENGTHS_S)) + "|")
    for load in (0.3, 0.6, 0.8, 0.9, 0.95, 1.1, 1.3):
        shares = [sum(broken(load, for_s, seed) for seed in range(runs)) / runs for for_s in _LENGTHS_S]
        print(f"| {load:.0%} | " + " | ".join(f"{share * 100:.1f} %" for share in shares) + " |")


if __name__ == "__main__":
    main()
