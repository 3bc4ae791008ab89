"""How capacity searches do against real processes: `python benchmarks/capacity_real.py [--processes N] [NAME ...]`.

Starts fake relays of known knee (slots x service time), has `relayload capacity` search each with its default settings,
and prints a row for each: the truth, told by a long simulation of the same queue, the answer, and the load it took.
A search takes a quarter of an hour; `--at-once N` runs so many of them side by side. Results are only as good as the
machine is idle.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from simulated_relays import Queue, Sent, true_capacity, true_users

from relayload.fakerelay.process import FakeRelay

_LONG = 300_000
"""Requests of the simulation that tells the truth, at each rate."""
_P99 = 2.326


@dataclass(frozen=True)
class Case:
    """A relay whose answers have a log-normal number of tokens, the objective, and when it is met in the long run."""

    slots: int
    tokens: int
    """The mean length of an answer."""
    speed_per_s: int
    objective: str
    met: Callable[[list[Sent]], bool]
    limits: str = ""
    knee_per_s: float | None = None
    """What the relay carries, if not told by its queue."""
    sigma: float = 0.4
    over: str = "rate"

    @property
    def queue(self) -> Queue:
        """The same in simulated time. The first token comes after the time of one, so all of them take n / speed."""
        return Queue(self.slots, self.tokens / self.speed_per_s, self.sigma, 1 / self.speed_per_s)

    @property
    def sets(self) -> list[str]:
        """The preset of the fake relay."""
        p50 = self.tokens * math.exp(-(self.sigma**2) / 2)
        model = {
            "ttft": {"any": f"{1 / self.speed_per_s}s"},
            "speed": f"{self.speed_per_s}/s",
            "output_tokens": {"any": {"p50": p50, "p99": p50 * math.exp(_P99 * self.sigma)}},
        }
        plain = [f"models={json.dumps({'o3': model})}", f"capacity={json.dumps({'slots': self.slots})}"]
        return [*plain, f"limits={self.limits}"] if self.limits else plain

    def truth(self) -> float:
        """Return the rate, or the users, at which a long simulation just meets the objective."""
        if self.over == "users":
            return true_users(self.queue, self.met, _LONG)
        return self.knee_per_s or true_capacity(self.queue, self.met, _LONG)

    @property
    def load(self) -> dict[str, Any]:
        """The load of the profile, where the search starts."""
        if self.over == "users":
            return {"kind": "closed", "users": 8, "stages": [{"name": "steady", "for": "1m"}]}
        stages = [{"name": "steady", "for": "1m", "rate": "10/s"}]
        return {"kind": "open", "arrivals": "poisson", "max_in_flight": 5000, "stages": stages}


def _slow(limit_s: float, budget: float, *, of: str = "ttft_s") -> Callable[[list[Sent]], bool]:
    return lambda sent: sum(getattr(each, of) >= limit_s for each in sent) <= budget * len(sent)


CASES: Mapping[str, Case] = {
    "16 slots x 0.5 s": Case(16, 20, 40, "ttft.p95 < 500ms", _slow(0.5, 0.05)),
    "8 slots x 0.3 s": Case(8, 15, 50, "ttft.p95 < 300ms", _slow(0.3, 0.05)),
    "32 slots x 0.8 s": Case(32, 20, 25, "latency.p95 < 2s", _slow(2.0, 0.05, of="service_s")),
    "16 slots x 0.5 s, users": Case(16, 20, 40, "ttft.p95 < 500ms", _slow(0.5, 0.05), over="users"),
    "bucket of 20/s": Case(64, 20, 40, "ttft.p95 < 500ms", _slow(0.5, 0.05), "[{requests: 20/s, window: bucket}]", 20),
}


def profile_of(case: Case, base_url: str) -> dict[str, Any]:
    """Return a profile whose capacity is searched, from 10/s or 8 users on."""
    return {
        "name": "known-relay",
        "target": {"base_url": base_url, "api_key": "sk-fake"},
        "load": case.load,
        "scenarios": {"chat": {"model": "o3", "prompt": "simple", "max_output_tokens": 1000}},
        "objectives": [case.objective, "errors.rate < 2%"],
    }


def found(case: Case, processes: int, folder: Path) -> dict[str, Any]:
    """Search with the command line's defaults, and return what `--json` prints."""
    relay = FakeRelay.start(sets=case.sets)
    try:
        profile, out = folder / "profile.yaml", folder / "found"
        profile.write_text(json.dumps(profile_of(case, relay.base_url)))
        command = [sys.executable, "-m", "relayload", "capacity", str(profile), "--out", str(out), "--json"]
        with (folder / "log").open("wb") as log:
            told = subprocess.run(
                [*command, "--processes", str(processes)], stdout=subprocess.PIPE, stderr=log, check=False
            ).stdout
        return dict(json.loads(told))
    finally:
        relay.stop()


def _row(name: str, processes: int, folder: Path) -> None:
    case, own = CASES[name], folder / name.replace(" ", "-").replace("/", "-")
    own.mkdir(parents=True)
    answer, truth = found(case, processes, own), case.truth()
    key, unit = ("users", " users") if case.over == "users" else ("per_s", "/s")
    levels = (answer.get(f"{which}_{key}") for which in ("estimate", "proven", "refuted"))
    cells = ["–" if level is None else f"{level:.4g}{unit} ({level / truth - 1:+.1%})" for level in levels]
    trials, load_s = len(answer.get("trials", ())), answer.get("load_s", 0.0)
    print(
        f"| {name}, {case.objective} | {truth:.4g}{unit} | {answer.get('answer')} | {' | '.join(cells)} | "
        f"{trials} | {load_s / 60:.1f} min |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of: {', '.join(CASES)}")
    parser.add_argument("--processes", type=int, default=1, help="load-generating processes of each search")
    parser.add_argument("--at-once", type=int, default=1, help="searches at the same time")
    parser.add_argument("--out", type=Path, help="where to keep the searches")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(CASES):
        parser.error(f"no such relay: {', '.join(unknown)}")
    folder = asked.out or Path(tempfile.mkdtemp())
    print(f"searches: {folder}", file=sys.stderr)
    print("| relay and objective | knee | answer | estimate | proven | refuted | trials | load |")
    print("|---|---|---|---|---|---|---|---|")
    with ThreadPoolExecutor(asked.at_once) as pool:
        list(pool.map(lambda name: _row(name, asked.processes, folder), asked.names or CASES))


if __name__ == "__main__":
    main()
