"""What looking at a run costs the process that serves its page and sends its load: CPU, and the lateness of its sends.

    python benchmarks/live_page.py [--streams 500] [--window 6] [--pairs 5] [--json FILE]

One process on the first core sends streams of 5 s, so many at once, to a fake relay on the other cores, and serves the
page. In windows of one run, in turns, nobody looks or two viewers poll `/relay/sections` every two seconds, as the
script of the page does. CPU is that of the serving process in the window, and `late` that of the requests due in it.
The renderer is a process of its own, on the other cores; what it used is told, too.
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
from collections.abc import Iterator, Sequence
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
BEGINS_S, PAUSE_S = 10.0, 2.5
PRESET = f"models.o3={{ttft: {{any: {{p50: 50ms, p99: 51ms}}}}, speed: {TOKENS / STREAM_S:g}/s, "
PRESET += f"output_tokens: {{any: {{p50: {TOKENS}, p99: {TOKENS + 1}}}}}}}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--window", type=float, default=6.0, help="seconds")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    turns = [looked for pair in range(options.pairs) for looked in ((False, True) if pair % 2 == 0 else (True, False))]
    with FakeRelay.start(sets=[PRESET]) as relay, tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(relay.pid, set(CORES[1:] or CORES))
        rows = measured(options.streams, options.window, turns, relay.base_url, Path(folder))
    for row in rows:
        print(_line(row))
    print(_compared(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def measured(streams: int, window_s: float, turns: Sequence[bool], base_url: str, folder: Path) -> list[dict[str, Any]]:
    """Run once, and measure a window for each turn."""
    run_dir, log, profile = folder / "run", folder / "log", folder / "profile.yaml"
    seconds = int(BEGINS_S + (window_s + PAUSE_S) * len(turns)) + 60
    profile.write_text(yaml.safe_dump(_profile(streams / STREAM_S, seconds, base_url)))
    with log.open("w") as output:
        run = subprocess.Popen(_command(profile, run_dir), stdout=output, stderr=output, cwd=folder)
        try:
            os.sched_setaffinity(run.pid, {CORES[0]})
            return _watched(run.pid, run_dir, log, window_s, turns)
        finally:
            run.kill()
            run.wait()


def _watched(pid: int, run_dir: Path, log: Path, window_s: float, turns: Sequence[bool]) -> list[dict[str, Any]]:
    serving = psutil.Process(pid)
    while SAID not in log.read_text() or not _renderers(serving):
        time.sleep(0.1)
    url = log.read_text().partition(SAID)[2].split()[0]
    (renderer,) = _renderers(serving)
    renderer.cpu_affinity(CORES[1:] or CORES)
    _await(run_dir, BEGINS_S)
    rows = [_window(serving, renderer, f"{url}/sections", run_dir, window_s, looked) for looked in turns]
    records = [
        json.loads(line) for file in run_dir.glob("records-*.jsonl") for line in file.read_text().splitlines()[:-1]
    ]
    for row in rows:
        late = [
            r["late_s"] for r in records if r["line"] == "request" and row["from_s"] <= r["intended_at_s"] < row["to_s"]
        ]
        row["late_p99_ms"] = sorted(late)[int(0.99 * len(late))] * 1000 if late else None
    return rows


def _window(
    serving: psutil.Process, renderer: psutil.Process, url: str, run_dir: Path, window_s: float, looked: bool
) -> dict[str, Any]:
    with _viewers(url, VIEWERS if looked else 0) as answers:
        time.sleep(PAUSE_S)
        began = progress.read(run_dir)
        began_s, before_s, rendered_s = time.monotonic(), _cpu_s(serving), _cpu_s(renderer)
        time.sleep(window_s)
        took_s = time.monotonic() - began_s
        cpu, rendering = (_cpu_s(serving) - before_s) / took_s, (_cpu_s(renderer) - rendered_s) / took_s
        ended = progress.read(run_dir)
    assert began is not None
    assert ended is not None
    return {
        "looked": looked,
        "cpu": cpu,
        "renderer": rendering,
        "from_s": began.elapsed_s,
        "to_s": ended.elapsed_s,
        "in_flight": ended.in_flight,
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


def _renderers(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if "relayload.report.page_renderer" in child.cmdline()]


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
