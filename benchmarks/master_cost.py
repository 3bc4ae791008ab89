"""What a run of many workers costs its master: CPU per second of the run and per request, with 1, 4 and 16 workers.

    python benchmarks/master_cost.py [--workers 1,4,16] [--rate 200] [--seconds 15] [--json FILE]

The master is the real one, as a process pinned to the first core. The workers share one process on the second: each has
a Locust runner with a connection of its own, and our real worker with the schedule, the client, the recorder and the
snapshots. So all messages are the real ones, at their real rates: heartbeats, statistics, clock, status, snapshots and
whatever else a worker sends. Two things are simulated. Nothing is sent to a relay: an answer of a stream with 100
tokens is made up after some 100 ms. And workers that share a process share its pauses, which no number here is about.

Where the kernel permits, the workers are in a time namespace with another clock and don't see the master's files, so
that they take part as workers on other hosts do.

CPU is that of the steady part: from two seconds after the first arrival to the last one.
"""

from locust.argument_parser import get_parser
from locust.env import Environment
from locust.event import Events

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from unittest.mock import patch

import gevent
import psutil
import yaml

from relayload import clock
from relayload.core.model.record import Attempt, Outcome
from relayload.core.wire.request import Timeouts, WireRequest
from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin import worker as worker_module
from relayload.locust_plugin.master_port import MasterPort
from relayload.locust_plugin.options import Options
from relayload.locust_plugin.plugin import LocustPlugin
from relayload.locust_plugin.users import scenario_users
from relayload.profile import load
from relayload.recording import progress
from relayload.transport import Answer, OnText

LOCUSTFILE = Path(__file__).parents[1] / "locustfiles" / "relay.py"
CORES = sorted(os.sched_getaffinity(0))
WARM_S = 2.0
TTFT_S, STREAM_S, TOKENS = 0.02, 0.08, 100
OBJECTIVES = ["latency.p99 < 10s", "ttft.p95 < 5s", "errors.rate < 50%", "goodput{ttft<1s}.rate > 1%"]


class MadeUp:
    """A transport whose answers come from no relay."""

    kernel_timestamps = True

    def __init__(self) -> None:
        self._random = Random(7)

    def send(
        self,
        request: WireRequest,  # noqa: ARG002 -- as every transport takes it
        timeouts: Timeouts,  # noqa: ARG002
        *,
        keep_text: bool = False,  # noqa: ARG002
        on_text: OnText | None = None,  # noqa: ARG002
        sampled: bool = False,  # noqa: ARG002
    ) -> Answer:
        sent_at_s = clock.now_s()
        gevent.sleep((TTFT_S + STREAM_S) * self._random.uniform(0.8, 1.5))
        service_s = clock.now_s() - sent_at_s
        ttft_s = service_s * TTFT_S / (TTFT_S + STREAM_S)
        return Answer(
            Attempt(
                outcome=Outcome.OK,
                sent_at_s=sent_at_s,
                service_s=service_s,
                status=200,
                ttft_s=ttft_s,
                ttfo_s=ttft_s,
                last_token_s=service_s,
                chunks=TOKENS,
                input_tokens=50,
                output_tokens=TOKENS,
                streamed_tokens=TOKENS,
                finish_reason="stop",
            )
        )

    def close(self) -> None:
        pass


def work(profile_file: Path, port: int, count: int) -> None:
    """Be so many workers of a run until its end. Runs in a process of its own."""
    profile = load(profile_file)
    with patch.object(worker_module, "new_transport", lambda *_, **__: MadeUp()):
        runners = []
        for _ in range(count):
            environment = Environment(events=Events(), parsed_options=get_parser().parse_args([]))
            plugin = LocustPlugin(profile, Options(profile=profile_file))
            plugin.listen(environment.events)
            environment.user_classes = list(scenario_users(profile, plugin, __name__).values())
            runner = environment.create_worker_runner("127.0.0.1", port)
            environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
            runners.append(runner)
        for runner in runners:
            runner.greenlet.join()


def measured(
    workers: int, rate: float, seconds: int, folder: Path, base_url: str, prefix: list[str]
) -> tuple[float, float]:
    """Run once; return the CPU seconds of the master per second of the run and per request."""
    folder.mkdir()
    profile_file, run_dir = folder / "profile.yaml", folder / "master" / "run"
    run_dir.parent.mkdir()
    profile_file.write_text(yaml.safe_dump(_profile(rate, seconds, base_url)))
    with (
        MasterPort() as port,
        (folder / "master.log").open("w") as log,
        (folder / "workers.log").open("w") as log_of_workers,
    ):
        master = subprocess.Popen(_master(profile_file, run_dir, port.number, workers), stdout=log, stderr=log)
        own = [sys.executable, __file__, "--work", str(profile_file), str(port.number), str(workers)]
        away = subprocess.Popen([*prefix, *own], stdout=log_of_workers, stderr=log_of_workers)
        try:
            os.sched_setaffinity(master.pid, {CORES[0]})
            return _cost(master, run_dir, rate, seconds)
        finally:
            for process in (away, master):
                process.kill()
                process.wait()


def _cost(master: subprocess.Popen[bytes], run_dir: Path, rate: float, seconds: int) -> tuple[float, float]:
    process = psutil.Process(master.pid)
    began_s, began_cpu_s = _at(process, run_dir, WARM_S)
    ended_s, ended_cpu_s = _at(process, run_dir, seconds - 0.5)
    share = (ended_cpu_s - began_cpu_s) / (ended_s - began_s)
    master.wait()
    counts = json.loads((run_dir / "summary.json").read_text())["counts"]
    if counts["ok"] != counts["offered"]:
        sys.exit(f"the load was not delivered: {counts}")
    return share, share / rate


def _at(process: psutil.Process, run_dir: Path, elapsed_s: float) -> tuple[float, float]:
    """Wait until so much of the run is over; return the instant, and the CPU seconds that the process has used."""
    elapsed(process.pid, run_dir, elapsed_s)
    used = process.cpu_times()
    return time.monotonic(), used.user + used.system


def elapsed(master: int, run_dir: Path, elapsed_s: float) -> float:
    """Wait until so much of a run is over; return how much is. Leave the benchmark if its master has ended."""
    while True:
        shown = progress.read(run_dir) if run_dir.is_dir() else None
        if shown is not None and shown.elapsed_s >= elapsed_s:
            return shown.elapsed_s
        if psutil.Process(master).status() == psutil.STATUS_ZOMBIE:
            sys.exit(f"the master has ended: see {run_dir.parent}")
        time.sleep(0.02)


def _master(profile_file: Path, run_dir: Path, port: int, workers: int) -> list[str]:
    options = ["--headless", "--only-summary", "--master", "--expect-workers", str(workers)]
    where = ["--master-bind-port", str(port), "--relay-profile", str(profile_file), "--relay-out", str(run_dir)]
    return [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *options, *where]


def _elsewhere(hidden: Path) -> list[str]:
    """What makes a process seem to be on another host; nothing where the kernel does not permit that."""
    unshare = ["unshare", "--mount", "--time", "--monotonic", "86400", "--fork", "--kill-child"]
    possible = sys.platform == "linux" and subprocess.run([*unshare, "true"], check=False).returncode == 0
    return [*unshare, "sh", "-c", f'mount -t tmpfs tmpfs "{hidden}" && exec "$@"', "sh"] if possible else []


def _profile(rate: float, seconds: int, base_url: str) -> dict[str, object]:
    return {
        "name": "master-cost",
        "target": {"base_url": base_url, "api_key": "sk-fake"},
        "load": {
            "kind": "open",
            "arrivals": "poisson",
            "max_in_flight": 100_000,
            "stages": [{"name": "steady", "for": f"{seconds}s", "rate": f"{rate:g}/s"}],
        },
        "scenarios": {
            "one": {"weight": 3, "model": "o3", "prompt": "simple"},
            "two": {"model": "o3", "prompt": "code"},
        },
        "objectives": OBJECTIVES,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1,4,16")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--same-host", action="store_true", help="let the workers write beside the master's files")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.sched_setaffinity(0, set(CORES[1:2] or CORES))
    if options.work:
        profile_file, port, count = options.work
        work(Path(profile_file), int(port), int(count))
        return
    found = {}
    folder = Path(tempfile.mkdtemp())
    with FakeRelay.start() as relay:
        hosts = "other" if _elsewhere(folder) and not options.same_host else "same"
        print(f"{options.rate:g} requests/s for {options.seconds} s; workers as on {hosts} hosts")
        print("workers   master's CPU, of a core   us per request")
        for workers in map(int, options.workers.split(",")):
            place = folder / str(workers)
            prefix = [] if options.same_host else _elsewhere(place / "master")
            share, each = measured(workers, options.rate, options.seconds, place, relay.base_url, prefix)
            found[workers] = {"share": share, "us_per_request": each * 1e6}
            print(f"{workers:7d} {share:25.1%} {each * 1e6:16.0f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
