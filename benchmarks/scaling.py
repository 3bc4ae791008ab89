"""What the work of a request costs a process that shares its run with others, beside one that has a run to itself.

    python benchmarks/scaling.py [--rate 100] [--seconds 20] [--rounds 5] [--streams] [--json FILE]

Three ways to load one fake relay, in turns, each sending process at the same rate:

    alone     one process, in a run of its own
    apart     two processes, each in a run of its own
    together  two processes of one run, which a master deals the load out to

Masters and the fake relay may use every core; each sending process is pinned to one of its own. Two processes keep a
small machine's caches busier than one, whoever they belong to: `together` against `apart` is what it costs to be of one
run, `together` against `alone` has the machine's part in it. Nothing is said of wall-clock time, since the same cores
carry the relay.

CPU is that of the sending processes alone, user and system, per request, from two seconds after the first arrival to
the last one. A ratio is that of two neighbours in one round; told are the median and the range over the rounds.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import yaml
from client_cost import CORES, KEY, PRESET
from master_cost import LOCUSTFILE, WARM_S, elapsed

from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.master_port import MasterPort

WAYS = {"alone": (1,), "apart": (1, 1), "together": (2,)}
"""How many processes each run of a way has."""


class Run:
    """A master and its sending processes, of which each is pinned to a core of its own."""

    def __init__(self, folder: Path, base_url: str, cores: Sequence[int], options: argparse.Namespace) -> None:
        folder.mkdir(parents=True)
        self.run_dir, self._log = folder / "run", folder / "log"
        self._offered_per_s = options.rate * len(cores)
        profile = folder / "profile.yaml"
        asked = _profile(base_url, self._offered_per_s, options.seconds, stream=options.streams)
        profile.write_text(yaml.safe_dump(asked))
        self._stack = ExitStack()
        port = self._stack.enter_context(MasterPort()).number
        where = ["--headless", "--only-summary", "--master", "--expect-workers", str(len(cores))]
        own = ["--relay-profile", str(profile), "--relay-out", str(self.run_dir), "--master-bind-port", str(port)]
        self._master = self._started([*where, *own])
        self._workers = [self._started(["--worker", "--master-port", str(port)], core) for core in cores]

    def close(self) -> None:
        self._stack.close()

    def at(self, elapsed_s: float) -> tuple[float, float]:
        """Wait until so much of the run is over; return the requests due by then, and the CPU seconds used."""
        began = elapsed(self._master.pid, self.run_dir, elapsed_s)
        return began * self._offered_per_s, sum(_cpu_s(worker.pid) for worker in self._workers)

    def end(self) -> None:
        """Wait for the end; leave the benchmark if anything was not delivered."""
        self._master.wait()
        counts = json.loads((self.run_dir / "summary.json").read_text())["counts"]
        if counts["ok"] != counts["offered"]:
            sys.exit(f"the load was not delivered: {counts}")

    def _started(self, arguments: Sequence[str], core: int | None = None) -> "subprocess.Popen[bytes]":
        log = self._stack.enter_context(self._log.open("a"))
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self._stack.callback(_end, process)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _cpu_s(pid: int) -> float:
    """CPU seconds that all threads of a process have used, to the nanosecond, where `cpu_times` has hundredths."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def measured(way: str, folder: Path, base_url: str, options: argparse.Namespace) -> float:
    """Run one way once; return the CPU seconds of a request, over all its sending processes."""
    cores = iter(CORES)
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                closing(Run(folder / str(number), base_url, [next(cores) for _ in range(processes)], options))
            )
            for number, processes in enumerate(WAYS[way])
        ]
        began = [run.at(WARM_S) for run in runs]
        ended = [run.at(options.seconds - 0.5) for run in runs]
        for run in runs:
            run.end()
    requests, cpu_s = (sum(end[i] - begin[i] for begin, end in zip(began, ended, strict=True)) for i in (0, 1))
    return cpu_s / requests


def _profile(base_url: str, rate: float, seconds: int, *, stream: bool) -> dict[str, object]:
    return {
        "name": "scaling",
        "target": {"base_url": base_url, "api_key": KEY},
        "load": {
            "kind": "open",
            "arrivals": "constant",
            "max_in_flight": 100_000,
            "stages": [{"name": "steady", "for": f"{seconds}s", "rate": f"{rate:g}/s"}],
        },
        "scenarios": {"one": {"model": "paced" if stream else "instant", "prompt": "simple", "stream": stream}},
        "objectives": ["latency.p99 < 10s", "errors.rate < 50%"],
    }


def _told(name: str, ratios: Sequence[float]) -> str:
    return f"{name:>18} {statistics.median(ratios):.3f}   {min(ratios):.3f} to {max(ratios):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100, help="requests per second of each sending process")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", action="store_true", help="streams of 200 tokens at 100/s, not plain requests")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if len(CORES) < 2:
        sys.exit("two sending processes take two cores")
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    folder = Path(tempfile.mkdtemp())
    preset = folder / "preset.yaml"
    preset.write_text(PRESET)
    print(f"{options.rate:g} requests/s a process; us of CPU per request")
    print(" ".join(f"{way:>10}" for way in WAYS))
    with FakeRelay.start(str(preset)) as relay:
        for number in range(options.rounds):
            for way in random.Random(number).sample(list(WAYS), len(WAYS)):
                found[way].append(measured(way, folder / way / str(number), relay.base_url, options) * 1e6)
            print(" ".join(f"{each[-1]:10.0f}" for each in found.values()), flush=True)
    for way, other in (("together", "apart"), ("together", "alone"), ("apart", "alone")):
        print(_told(f"{way} / {other}", [one / two for one, two in zip(found[way], found[other], strict=True)]))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
