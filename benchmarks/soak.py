"""Whether a long run stays as it begins: the memory of every process, the rate, and how late requests start.

    python benchmarks/soak.py real [--minutes 20] [--rate 30] [--records none] [--processes 2]
    python benchmarks/soak.py compressed [--hours 2] [--rate 140] [--records none]

`real` is a run of `relayload run` against the fake relay in real time. It prints the resident memory of each process
as the run goes on, and the lateness of its first minute beside that of its last.

`compressed` is what the processes keep of a run in memory, without the run: one process counts made-up requests as a
worker does, and another merges what it tells twice a simulated second, records it, and shows it, as a master does. No
request is sent and nobody waits, so hours take minutes; sockets, greenlets and timers are for `real` to judge.
"""

import argparse
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psutil
import yaml
from msgspec import structs

from relayload.core.model.record import Attempt, End, Outcome, Record
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.abort import AbortMonitor
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker
from relayload.core.objectives.so_far import judge_so_far
from relayload.recording import Recording, RecordWriter
from relayload.recording.compression import Compression
from relayload.recording.snapshots import SnapshotWriter

ASKED = ["ttft.p95 < 2s", "latency.p99 < 30s", "errors.rate < 5%", "goodput{ttft < 2s}.rate > 90%"]
EDGE_S = 60
TOLD_S = 0.5
FAILING = 0.01
RELAY, RELAYLOAD = "relay", "relayload"


def real(minutes: float, rate: float, records: str, processes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        profile, out = Path(folder) / "soak.yaml", Path(folder) / "run"
        profile.write_text(yaml.safe_dump(_profile(60 * minutes, rate, records)))
        command = [sys.executable, "-m", RELAYLOAD, "run", str(profile), "--out", str(out), "--json"]
        began_s = time.monotonic()
        log = (Path(folder) / "log").open("w")
        run = subprocess.Popen([*command, "--processes", str(processes)], stdout=log, stderr=log)
        told: dict[str, list[tuple[float, float]]] = {}
        while run.poll() is None:
            for name, resident_mb in _resident(run.pid):
                told.setdefault(name, []).append((time.monotonic() - began_s, resident_mb))
            time.sleep(5)
        if not (out / "summary.json").exists():
            sys.exit((Path(folder) / "log").read_text())
        _print_real(json.loads((out / "summary.json").read_text()), told, out, run.returncode)


def _profile(seconds: float, rate: float, records: str) -> dict[str, Any]:
    stages = [("begin", EDGE_S), ("between", seconds - 2 * EDGE_S), ("end", EDGE_S)]
    return {
        "name": "soak",
        "load": {
            "kind": "open",
            "stages": [{"name": name, "for": f"{for_s:g}s", "rate": f"{rate:g}/s"} for name, for_s in stages],
        },
        "scenarios": {"chat": {"model": "o3", "prompt": "simple", "max_output_tokens": 50}},
        "objectives": ASKED,
        "recording": {"records": records},
    }


def _resident(pid: int) -> Iterator[tuple[str, float]]:
    """Yield the resident memory of every process of the run that has lived long enough to be one of it."""
    try:
        root = psutil.Process(pid)
        for process in sorted([root, *root.children(recursive=True)], key=lambda each: each.create_time()):
            yield f"{process.pid} {_name(process)}", process.memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return


def _name(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    known = {"fakerelay": "fake relay", "page_renderer": "page renderer", "locust": "locust", RELAYLOAD: "command"}
    return next((name for part, name in known.items() if part in line), line[:30])


def _print_real(summary: dict[str, Any], told: dict[str, list[tuple[float, float]]], out: Path, exit_code: int) -> None:
    counts, stages = summary["counts"], summary["by_stage"]
    print(f"exit code {exit_code}: {' '.join(f'{name} {counts[name]:,}' for name in counts if name != 'by_outcome')}")
    for name in ("begin", "end"):
        late = stages[name]["metrics"]["late"]["percentiles"]
        late_p99_ms = 1000 * next(each["value"] for each in late if each["p"] == 99)
        print(f"{name} minute: {stages[name]['ok_per_s']:.1f} ok/s, late p99 {late_p99_ms:.2f} ms")
    print("generator:", json.dumps({name: summary["generator"][name] for name in ("valid", "late_p99_s", "cpu_share")}))
    print(f"on disk: {sum(path.stat().st_size for path in out.iterdir()) / 1e6:.1f} MB")
    print(f"{'resident MB':<24}{'begin':>8}{'1/4':>8}{'1/2':>8}{'3/4':>8}{'end':>8}")
    for name, seen in told.items():
        if len(seen) > 10:
            places = [12 if len(seen) > 60 else 2, *(len(seen) * quarter // 4 for quarter in (1, 2, 3)), len(seen) - 4]
            print(f"{name:<24}" + "".join(f"{seen[place][1]:8.1f}" for place in places))


def compressed(hours: float, rate: float, records: str) -> None:
    here, there = multiprocessing.Pipe()
    run = _run(3600 * hours, records)
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording.create(Path(folder) / "run", run)
        worker = multiprocessing.Process(target=_worker, args=(there, run, rate, recording))
        worker.start()
        _master(here, run, recording)
        worker.join()
        size_mb = sum(path.stat().st_size for path in recording.directory.iterdir()) / 1e6
        recording.update(ended_by="schedule", offered=None)
        before_mb = _resident_mb()
        summary = recording.fold().results()[0]
        print(f"on disk {size_mb:.1f} MB; judged in the master: {before_mb:.1f} -> {_resident_mb():.1f} MB")
        print(f"started {summary.counts.started:,} ok {summary.counts.ok:,}")


def _run(seconds: float, records: str) -> RunInfo:
    return RunInfo(
        run_id="soak",
        profile=ProfileInfo(name="soak", sha256="0" * 64),
        started_at="2026-01-02T03:04:05Z",
        load_kind="open",
        stages=(StageInfo(name="steady", for_s=seconds),),
        workers=1,
        base_url="http://127.0.0.1/v1",
        objectives=tuple(ASKED),
        ended_at_s=seconds,
        records=records,
        streaming=("chat",),
    )


def _worker(pipe: Connection, run: RunInfo, rate: float, recording: Recording) -> None:
    """Count made-up requests and tell of them twice a second, with the resident memory."""
    maker = SnapshotMaker(0, [parse(text) for text in ASKED], structs.replace(run, ended_at_s=None))
    writer = _writer(recording)
    rng, index, seconds = Random(1), 0, run.ended_at_s or 0.0
    waiting: list[Record] = []
    now_s = 0.0
    while now_s < seconds + 60:
        now_s += TOLD_S
        while now_s < seconds and index / rate < now_s:
            waiting.append(_record(index, index / rate, rng))
            maker.begin(index / rate)
            index += 1
        ended = [record for record in waiting if record.intended_at_s + record.latency_s <= now_s]
        waiting = [record for record in waiting if record.intended_at_s + record.latency_s > now_s]
        maker.add([writer(record) for record in ended])
        end = End(worker=0, at_s=now_s, started=index, dropped=0)
        pipe.send_bytes(msgspec.msgpack.encode((now_s, index, _resident_mb(), maker.snapshot(now_s, health=end))))
    pipe.close()


def _writer(recording: Recording) -> Callable[[Record], Any]:
    if recording.run.from_snapshots:
        return lambda record: record
    return RecordWriter(recording.records_file(0)).write


def _record(index: int, due_at_s: float, rng: Random) -> Record:
    service_s, failed = rng.lognormvariate(1.0, 0.6), rng.random() < FAILING
    outcome = Outcome.SERVER_ERROR if failed else Outcome.OK
    answer = {"status": 500, "error": "overloaded"} if failed else _answer(service_s, rng)
    return Record(
        index=index,
        worker=0,
        scenario="chat",
        model="o3",
        stage="steady",
        measured=True,
        intended_at_s=due_at_s,
        late_s=rng.expovariate(2000),
        latency_s=service_s,
        outcome=outcome,
        attempts=(Attempt(outcome=outcome, sent_at_s=due_at_s, service_s=service_s, **answer),),
    )


def _answer(service_s: float, rng: Random) -> dict[str, Any]:
    tokens = rng.randint(50, 500)
    times = {"ttft_s": service_s * 0.2, "ttfo_s": service_s * 0.2, "last_token_s": service_s}
    return {**times, "input_tokens": 300, "output_tokens": tokens, "streamed_tokens": tokens}


def _master(pipe: Connection, run: RunInfo, recording: Recording) -> None:
    objectives = [parse(text) for text in ASKED]
    merged, monitor = MergedSnapshot(objectives, structs.replace(run, ended_at_s=None)), AbortMonitor(objectives)
    writer = SnapshotWriter(recording.directory, objectives, Compression.NONE) if run.from_snapshots else None
    print(f"{'simulated':>10}{'requests':>11}{'worker MB':>11}{'master MB':>11}")
    next_s, began_s = 60.0, time.monotonic()
    while True:
        now_s, index, worker_mb, snapshot = msgspec.msgpack.decode(
            pipe.recv_bytes(), type=tuple[float, int, float, Snapshot]
        )
        merged.replace(snapshot)
        if writer is not None:
            writer.add(snapshot, now_s)
        monitor.breach(merged, now_s)
        if now_s % 30 == 0:
            for objective in objectives:
                judge_so_far(objective, merged, now_s)
        if now_s >= next_s:
            gc.collect()
            print(f"{now_s / 60:>8.0f} m{index:>11,}{worker_mb:>11.1f}{_resident_mb():>11.1f}", flush=True)
            next_s += 600 if next_s >= 600 else 540
        if now_s >= (run.ended_at_s or 0.0) + 60:
            break
    if writer is not None:
        writer.close()
    print(f"in {time.monotonic() - began_s:.0f} s of real time, by processes {os.getpid()} and its child")


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("real", "compressed"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--records", default="none")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if given.what == "real":
        real(given.minutes, given.rate or 30.0, given.records, given.processes)
    else:
        compressed(given.hours, given.rate or 140.0, given.records)


if __name__ == "__main__":
    main()
