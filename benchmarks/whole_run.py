"""What a request costs in a whole run, beside what Locust's own users pay at the same rate.

    python benchmarks/whole_run.py [--rates 500,2000,5000] [--streams 500] [--rounds 3] [--json FILE]

Everything is on: the schedule, the greenlet of each arrival, the client with its shadow breaker, the guard, Locust's
event and statistics, the record on disk, the snapshots that the master takes. The others are paced by the same constant
rate, one greenlet an arrival, and do nothing beside. `16 at a time` is a closed load of 16 who never pause. All run in
one process that Locust has patched, pinned to one core, in turns; the fake relay has the other core. A process that
sleeps between requests pays for waking up, and for cold caches: that is why a request is dearer the fewer there are,
for everybody.
"""

from locust import FastHttpUser, HttpUser, events
from locust.env import Environment

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import client_cost
import gevent
import yaml
from client_cost import CLIENTS, CORES, KEY, PLAIN, Target, target, yardstick_ms

import relayload
from relayload.core.model.record import Record
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.engine.generator import Generator
from relayload.engine.host import host_id
from relayload.engine.messages import Assignment, EndRun
from relayload.engine.run_clock import RunClock
from relayload.locust_plugin.channel import pack, unpack
from relayload.locust_plugin.locust_stats import LocustStats
from relayload.profile import load as load_profile
from relayload.profile.compose import Composer
from relayload.recording import ProfileInfo, Recording, RunInfo
from relayload.recording.compression import best_known
from relayload.transport.drivers import new_transport

SECONDS = 3.0
STREAM_S = 2.0
SENDERS, TURNS = 16, 100
OBJECTIVES = [parse("latency.p99 < 10s"), parse("errors.rate < 50%")]

Paced = Callable[[Target, int, Path], float]
"""Runs at a rate and returns the CPU seconds of one request."""


def relayload_at(at: Target, rate: int, folder: Path) -> float:
    cpu_s, records = whole_run(at, {"model": "instant", "stream": False}, rate, folder)
    return cpu_s / len(records)


def closed_relayload(at: Target, folder: Path) -> float:
    """CPU seconds of a request, 16 users at a time who never pause: the process never sleeps."""
    load = {"kind": "closed", "users": SENDERS, "stages": [{"for": "1h"}]}
    generator, recording = new_run(at, load, {"model": "instant", "stream": False}, folder)
    gevent.sleep(0.2)
    take_turns(generator, 2)
    telling = gevent.spawn(tell, generator, MergedSnapshot(OBJECTIVES, recording.run))
    began_s = time.process_time()
    take_turns(generator, TURNS)
    cpu_s = time.process_time() - began_s
    telling.kill()
    generator.drain(EndRun(until_s=0.0, grace_s=0.0))
    return cpu_s / (SENDERS * TURNS)


def tell(generator: Generator, so_far: MergedSnapshot) -> None:
    """What a worker sends to its master twice a second, and what that makes of it."""
    while True:
        so_far.replace(unpack(pack(generator.snapshot()), Snapshot))
        gevent.sleep(0.5)


def take_turns(generator: Generator, count: int) -> None:
    def user() -> None:
        for _ in range(count):
            generator.turn(0)

    gevent.joinall([gevent.spawn(user) for _ in range(SENDERS)], raise_error=True)


def closed_other(name: str, at: Target) -> float:
    send = CLIENTS[name](at, SENDERS)
    client_cost.run(send, PLAIN, 2)
    began_s = time.process_time()
    client_cost.run(send, PLAIN, TURNS)
    return (time.process_time() - began_s) / (SENDERS * TURNS)


def streams(at: Target, count: int, folder: Path) -> float:
    """CPU seconds of a chunk, with so many streams of 100 tokens/s open at once."""
    cpu_s, records = whole_run(at, {"model": "paced"}, count / STREAM_S, folder)
    return cpu_s / sum(record.attempts[-1].chunks for record in records)


def whole_run(at: Target, scenario: dict[str, Any], rate: float, folder: Path) -> tuple[float, list[Record]]:
    load = {
        "kind": "open",
        "arrivals": "constant",
        "max_in_flight": 1_000_000,
        "stages": [{"for": f"{SECONDS:g}s", "rate": f"{rate:g}/s"}],
    }
    generator, recording = new_run(at, load, scenario, folder)
    began_s = time.process_time()
    telling = gevent.spawn(tell, generator, MergedSnapshot(OBJECTIVES, recording.run))
    generator.start()
    gevent.sleep(0.5)
    while not generator.status().finished:
        gevent.sleep(0.1)
    cpu_s = time.process_time() - began_s
    telling.kill()
    generator.drain(EndRun(until_s=0.0, grace_s=0.0))
    return cpu_s, [line for line in recording.lines() if isinstance(line, Record)]


def new_run(at: Target, load: dict[str, Any], scenario: dict[str, Any], folder: Path) -> tuple[Generator, Recording]:
    run_dir = folder / f"run-{time.monotonic_ns()}"
    content = {
        "name": "benchmark",
        "target": {"base_url": at.base_url, "api_key": KEY},
        "load": load,
        "scenarios": {"benchmark": {"prompt": {"text": "how are you"}, **scenario}},
        "objectives": [objective.text for objective in OBJECTIVES],
    }
    profile_file = run_dir.with_suffix(".yaml")
    profile_file.write_text(yaml.safe_dump(content))
    profile = load_profile(profile_file)
    recording = Recording.create(
        run_dir,
        RunInfo(
            run_id=run_dir.name,
            profile=ProfileInfo(name=profile.name, sha256=profile.sha256),
            started_at="2026-01-01T00:00:00+00:00",
            load_kind=profile.load.kind,
            stages=(),
            workers=1,
            base_url=at.base_url,
        ),
    )
    environment = Environment(events=events)
    environment.create_local_runner()
    return new_generator(profile, recording, at, environment), recording


def new_generator(profile: Any, recording: Recording, at: Target, environment: Environment) -> Generator:
    assignment = Assignment(
        version=relayload.__version__,
        run_id=recording.run.run_id,
        run=recording.run,
        run_dir=str(recording.directory),
        compression=best_known(),
        base_urls=dict.fromkeys(profile.named_targets, at.base_url),
        profile_sha256=profile.sha256,
        worker=0,
        begins_at_s=time.monotonic() + 0.1,
        host_id=host_id(),
        alone=True,
    )
    transports = {
        name: {key: new_transport("native", at.base_url, KEY) for key in target.named_keys}
        for name, target in profile.named_targets.items()
    }
    stats = LocustStats(environment, {"benchmark": "chat"})
    run_clock = RunClock(assignment.begins_at_s)
    return Generator(profile, Composer(profile), assignment, transports, stats, run_clock)


def paced(name: str) -> Paced:
    """Another client at the same rate: a greenlet at every instant of the same schedule."""

    def run(at: Target, rate: int, _folder: Path) -> float:
        send = CLIENTS[name](at, 16)
        client_cost.run(send, PLAIN, 1)
        count = int(rate * SECONDS)
        began_s, cpu_s = time.monotonic(), time.process_time()
        sending = []
        for index in range(count):
            wait_s = began_s + index / rate - time.monotonic()
            if wait_s > 0:
                gevent.sleep(wait_s)
            sending.append(gevent.spawn(send[index % 16], PLAIN))
        gevent.joinall(sending)
        return (time.process_time() - cpu_s) / count

    return run


PACED: dict[str, Paced] = {
    "relayload, whole run": relayload_at,
    "geventhttpclient": paced("geventhttpclient"),
    FastHttpUser.__name__: paced("FastHttpUser"),
    HttpUser.__name__: paced("HttpUser"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="500,2000,5000")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, set(CORES[1:2] or CORES))
    rates = [int(rate) for rate in options.rates.split(",")]
    closed: dict[str, list[float]] = {name: [] for name in PACED}
    costs: dict[str, dict[int, list[float]]] = {name: {rate: [] for rate in rates} for name in PACED}
    chunks, speeds = [], []
    with target(tls=False) as at, tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name, own in closed.items():
                speeds.append(yardstick_ms())
                cost_s = closed_other(name, at) if name in CLIENTS else closed_relayload(at, Path(folder))
                own.append(cost_s * 1e6)
            for rate in rates:
                for name, run in PACED.items():
                    if name == HttpUser.__name__ and rate > 1000:
                        continue  # beyond what it can do
                    speeds.append(yardstick_ms())
                    costs[name][rate].append(run(at, rate, Path(folder)) * 1e6)
            chunks.append(streams(at, options.streams, Path(folder)) * 1e6)
    result: dict[str, Any] = {
        "closed_us": {name: _median(each) for name, each in closed.items()},
        "request_us": {name: {rate: _median(each[rate]) for rate in rates} for name, each in costs.items()},
        "chunk_us": {"streams": options.streams, "relayload, whole run": _median(chunks)},
        "yardstick_ms": _median(speeds),
    }
    print(f"CPU µs per request   {SENDERS} at a time" + "".join(f"{rate:>12,}/s" for rate in rates))
    for name, each in result["request_us"].items():
        print(
            f"  {name:<21}{result['closed_us'][name]:>11}"
            + "".join(f"{'–' if us is None else us:>11}   " for us in each.values())
        )
    print(f"CPU µs per chunk of {options.streams} streams: {result['chunk_us']['relayload, whole run']}")
    print(f"yardstick {result['yardstick_ms']} ms, medians of {options.rounds} rounds")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None


if __name__ == "__main__":
    main()
