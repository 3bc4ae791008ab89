"""What looking at a run costs the process that serves its page and sends its load: CPU, and the lateness of its sends.

    python benchmarks/live_page.py [--streams 500] [--seconds 20] [--pairs 3] [--json FILE]

One process on the first core sends streams of 5 s, so many at once, to a fake relay on the other cores, and serves the
page. In turns nobody looks, or two viewers poll `/relay/sections` every two seconds, as the script of the page does.
CPU is that of the serving process, from two seconds after the first arrival to one second before the last. The renderer
is a process of its own, on the other cores; what it used is told, too. `late` is that of the recording.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from relayload.fakerelay.process import FakeRelay
from relayload.recording import progress

LOCUSTFILE = Path(__file__).parents[1] / "locustfiles" / "relay.py"
CORES = sorted(os.sched_getaffinity(0))
SAID = "page of the run at "
STREAM_S, TOKENS = 5.0, 100
VIEWERS, POLL_S = 2, 2.0
PRESET = f"models.o3={{ttft: {{any: {{p50: 50ms, p99: 51ms}}}}, speed: {TOKENS / STREAM_S:g}/s, "
PRESET += f"output_tokens: {{any: {{p50: {TOKENS}, p99: {TOKENS + 1}}}}}}}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with FakeRelay.start(sets=[PRESET]) as relay:
        os.sched_setaffinity(relay.pid, set(CORES[1:] or CORES))
        for pair in range(options.pairs):
            for looked in (False, True) if pair % 2 == 0 else (True, False):
                rows.append(measured(options.streams, options.seconds, relay.base_url, looked=looked))
                print(_line(rows[-1]), flush=True)
    print(_compared(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def measured(streams: int, seconds: int, base_url: str, *, looked: bool) -> dict[str, Any]:
    """Run once."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir, log = Path(folder, "run"), Path(folder, "log")
        profile = Path(folder, "profile.yaml")
        profile.write_text(yaml.safe_dump(_profile(streams / STREAM_S, seconds, base_url)))
        with log.open("w") as output:
            run = subprocess.Popen(_command(profile, run_dir), stdout=output, stderr=output, cwd=folder)
            try:
                os.sched_setaffinity(run.pid, {CORES[0]})
                return _watched(run, run_dir, log, seconds, looked=looked)
            finally:
                run.kill()
                run.wait()


def _watched(run: "subprocess.Popen[bytes]", run_dir: Path, log: Path, seconds: int, *, looked: bool) -> dict[str, Any]:
    serving = psutil.Process(run.pid)
    while SAID not in log.read_text() or not any(
        "page_renderer" in str(child.cmdline()) for child in _children(serving)
    ):
        time.sleep(0.1)
    url = log.read_text().partition(SAID)[2].split()[0]
    (renderer,) = (child for child in _children(serving) if "page_renderer" in str(child.cmdline()))
    renderer.cpu_affinity(CORES[1:] or CORES)
    with _viewers(f"{url}/sections", VIEWERS if looked else 0) as answers:
        _await(run_dir, 2 + STREAM_S)
        began_s, before_s, rendered_s = time.monotonic(), _cpu_s(serving), _cpu_s(renderer)
        _await(run_dir, seconds - 1.0)
        took_s = time.monotonic() - began_s
        cpu, rendering = (_cpu_s(serving) - before_s) / took_s, (_cpu_s(renderer) - rendered_s) / took_s
        in_flight = (read := progress.read(run_dir)) and read.in_flight
    while not (run_dir / "verdict.json").exists():
        time.sleep(0.1)
    summary = json.loads((run_dir / "summary.json").read_text())
    return {
        "looked": looked,
        "cpu": cpu,
        "renderer": rendering,
        "late_p99_ms": summary["generator"]["late_p99_s"] * 1000,
        "in_flight": in_flight,
        "answers": len(answers),
        "kB": statistics.mean(answers) / 1000 if answers else 0,
    }


@contextmanager
def _viewers(url: str, count: int) -> Iterator[list[int]]:
    """Poll as so many open pages do, from a process of other cores; yields the sizes of the answers."""
    over, sizes = threading.Event(), list[int]()
    os.sched_setaffinity(0, set(CORES[1:] or CORES))

    def view() -> None:
        while not over.wait(POLL_S):
            with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})) as answer:
                sizes.append(len(answer.read()))

    threads = [threading.Thread(target=view, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield sizes
    over.set()
    for thread in threads:
        thread.join()


def _children(process: psutil.Process) -> list[psutil.Process]:
    return list(process.children())


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _await(run_dir: Path, at_s: float) -> None:
    while (read := progress.read(run_dir) if run_dir.exists() else None) is None or read.elapsed_s < at_s:
        time.sleep(0.05)


def _profile(rate: float, seconds: int, base_url: str) -> dict[str, Any]:
    return {
        "name": "live-page",
        "seed": 7,
        "target": {"base_url": base_url, "api_key": "sk-fake"},
        "load": {
            "kind": "open",
            "arrivals": "constant",
            "max_in_flight": 5000,
            "stages": [{"name": "steady", "for": f"{seconds}s", "rate": f"{rate:g}/s"}],
        },
        "scenarios": {"simple": {"model": "o3", "prompt": "simple", "max_output_tokens": TOKENS}},
        "generator": {"late": "10s", "late_share": "100%", "loop_lag": "10s"},
        "objectives": ["latency.p99 < 60s", "ttft.p95 < 10s", "errors.rate < 50%"],
        "guardrails": {"max_requests": 1000000},
    }


def _command(profile: Path, run_dir: Path) -> list[str]:
    locust = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--only-summary", "--web-port", "0"]
    return [*locust, "--autostart", "--relay-profile", str(profile), "--relay-out", str(run_dir)]


def _line(row: dict[str, Any]) -> str:
    who = f"{VIEWERS} viewers" if row["looked"] else "nobody"
    return (
        f"{who:10} CPU {row['cpu']:6.1%}  late p99 {row['late_p99_ms']:6.2f} ms  {row['in_flight']:4} in flight  "
        f"renderer {row['renderer']:5.1%}  {row['answers']:3} answers of {row['kB']:.0f} kB"
    )


def _compared(rows: list[dict[str, Any]]) -> str:
    lines = []
    for name, unit in (("cpu", 100), ("late_p99_ms", 1)):
        seen, unseen = ([row[name] * unit for row in rows if row["looked"] is looked] for looked in (True, False))
        differences = [a - b for a, b in zip(seen, unseen, strict=True)]
        spread = max(unseen) - min(unseen)
        pairs = ", ".join(f"{each:+.2f}" for each in differences)
        lines.append(
            f"{name}: {statistics.median(differences):+.2f} (pairs {pairs}); "
            f"without viewers {min(unseen):.2f} to {max(unseen):.2f}, so {spread:.2f} apart"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
