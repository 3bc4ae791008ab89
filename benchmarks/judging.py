"""What it costs to judge and report a large recording: `python benchmarks/judging.py [REQUESTS] [DIR]`.

Makes up a recording of two workers, with objectives of every kind, and runs `relayload gate` and `relayload report
--rebuild` over it. On a busy machine the CPU seconds tell more than the wall clock.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from relayload.core.model.objective_options import ObjectiveOptions, ObjectiveSpec
from relayload.core.model.record import Attempt, End, Line, Outcome, Record
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo
from relayload.recording import Recording

RATE_PER_S = 500.0
WARM_S = 60.0
OBJECTIVES = (
    "ttft.p99 < 2s",
    "latency{scenario=simple}.p50 <= 5s",
    "latency{outcome=ok}.p99 < 20s",
    "service{model=o3}.p99.9 < 60s",
    "late.p99 < 50ms",
    "tpot.p95 < 1s",
    "ttfo.avg < 5s",
    "output_rate.avg > 1/s",
    "chunk_gap.p99 < 1s",
    "errors.rate < 5%",
    "errors{kind=429}.count < 100000",
    "requests.count > 10",
    "throughput.per_second > 10",
    "output_tokens.per_second > 10",
    "goodput{ttft<2s, tpot<1s}.rate > 90%",
    "retries.rate < 5%",
    "breaker.trips == 0",
    ObjectiveSpec(expr="latency.p95 < 10s", options=ObjectiveOptions(over_s=60.0, for_windows=3)),
)


def run_info(requests: int) -> RunInfo:
    load_s = requests / RATE_PER_S
    return RunInfo(
        run_id="made-up",
        profile=ProfileInfo(name="made-up", sha256="0" * 64),
        started_at="2026-01-02T03:04:05.000+00:00",
        load_kind="open",
        stages=(StageInfo(name="warm", for_s=WARM_S, warmup=True), StageInfo(name="steady", for_s=load_s - WARM_S)),
        workers=2,
        base_url="http://127.0.0.1:1/v1",
        ended_at_s=load_s,
        ended_by="schedule",
        offered=requests,
        objectives=OBJECTIVES,
    )


def lines(requests: int, worker: int, rng: random.Random) -> Iterator[Line]:
    """Every second arrival; one request in a hundred is refused."""
    for index in range(worker, requests, 2):
        attempt = refused(index) if rng.random() < 0.01 else answered(index, rng)
        at_s, late_s = index / RATE_PER_S, abs(rng.gauss(0, 0.0003))
        yield Record(
            index=index,
            worker=worker,
            scenario="simple" if rng.random() < 0.6 else "proof",
            stage="warm" if at_s < WARM_S else "steady",
            model="o3" if rng.random() < 0.7 else "o4",
            measured=at_s >= WARM_S,
            intended_at_s=at_s,
            late_s=late_s,
            latency_s=late_s + (attempt.service_s or 0.0),
            outcome=attempt.outcome,
            attempts=(attempt,),
        )
    count = len(range(worker, requests, 2))
    yield End(worker=worker, at_s=requests / RATE_PER_S, started=count, dropped=0, timestamps="kernel")


def refused(index: int) -> Attempt:
    return Attempt(
        outcome=Outcome.RATE_LIMITED, error="http_429", status=429, service_s=0.01, request_id=f"req_{index}"
    )


def answered(index: int, rng: random.Random) -> Attempt:
    ttft_s, gaps, gap_s = rng.lognormvariate(-1.5, 0.5), rng.randint(10, 60), rng.lognormvariate(-4, 0.3)
    bucket, half = 700 + rng.randint(0, 30), gaps // 2
    return Attempt(
        outcome=Outcome.OK,
        status=200,
        service_s=ttft_s + gap_s * gaps,
        ttft_s=ttft_s,
        ttfo_s=ttft_s,
        last_token_s=ttft_s + gap_s * gaps,
        chunks=gaps + 1,
        chunk_gaps=(bucket, half, bucket + 3, gaps - half),
        input_tokens=rng.randint(20, 400),
        output_tokens=gaps + 1,
        streamed_tokens=gaps + 1,
        finish_reason="stop",
        request_id=f"req_{index:016x}",
        sent_bytes=400,
        received_bytes=9000,
        blocked_s=0.00001,
        send_s=0.00003,
        waiting_s=ttft_s,
        receive_s=gap_s * gaps,
    )


def write(directory: Path, requests: int) -> None:
    recording = Recording.create(directory, run_info(requests))
    for worker in (0, 1):
        writer = recording.writer(worker)
        for line in lines(requests, worker, random.Random(worker)):
            writer.write(line)
        writer.close()


class Cost(NamedTuple):
    """Wall clock, and CPU of all processes."""

    wall_s: float
    cpu_s: float


def measure(*verb: str) -> Cost:
    """Print wall clock, CPU of all processes and the memory of the largest."""
    began_s = time.perf_counter()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "relayload", *verb],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.perf_counter() - began_s
    name = " ".join((verb[0], *(option for option in verb if option.startswith("--"))))
    code = os.waitstatus_to_exitcode(status)
    print(
        f"relayload {name}: exit {code}, {wall_s:.1f} s, CPU {usage.ru_utime:.1f} s user and {usage.ru_stime:.1f} s "
        f"system, {usage.ru_maxrss / 1024:.0f} MB"
    )
    return Cost(wall_s, usage.ru_utime + usage.ru_stime)


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as parent:
        directory = Path(parent) / "run"
        write(directory, requests)
        size_mb = sum(path.stat().st_size for path in directory.iterdir()) / 1e6
        print(f"{requests:,} requests, {size_mb:.0f} MB, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
        for _ in range(3):
            measure("gate", str(directory))
            measure("report", str(directory), "--rebuild")


if __name__ == "__main__":
    main()
