"""How long `relayload run` takes to its first request, and what takes it.

    python benchmarks/first_request.py [--rounds 5]

The wall-clock time is to the arrival of the first request of the load at a small relay of this process, and, with a
fake relay that has to be started, by the recording. CPU is that of all processes of the run, of which two work at once:
on a machine that others use, it says more than the wall clock. The parts are imports, each in a process of its own;
Python itself is taken off.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROFILE = """
name: first-request
target: {{base_url: '{base_url}', api_key: '${{env:NO_SUCH_KEY:-sk-fake}}'}}
load: {{kind: open, arrivals: constant, stages: [{{for: 1s, rate: 50/s}}]}}
scenarios: {{simple: {{model: o3, prompt: simple, stream: false, max_output_tokens: 20}}}}
objectives: [errors.rate < 50%]
"""
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
PARTS = {
    "reading the profile": "import relayload.profile, relayload.profile.forecast",
    "Locust": "import locust.main",
    "Locust and what we add": "import gc, locust.main; gc.disable(); import relayload.locust_plugin.load",
    "the fake relay": "import relayload.fakerelay.command, relayload.fakerelay.server",
    "the official SDK (driver: openai)": "import openai",
}


class Relay(BaseHTTPRequestHandler):
    """Answers at once, and notes when it was first asked for a completion."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    first_at_s: float | None = None

    def do_GET(self) -> None:
        self._answer({"object": "list", "data": []})

    def do_POST(self) -> None:
        Relay.first_at_s = Relay.first_at_s or time.monotonic()
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def cpu_s() -> float:
    """Of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(profile: Path, run_dir: Path) -> None:
    command = [sys.executable, "-m", "relayload", "run", str(profile), "--out", str(run_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not (run_dir / "verdict.json").exists():
        raise SystemExit(done.stdout + done.stderr)


def to_a_relay(profile: Path, run_dir: Path) -> float:
    Relay.first_at_s, begun_at_s = None, time.monotonic()
    run(profile, run_dir)
    assert Relay.first_at_s is not None
    return Relay.first_at_s - begun_at_s


def to_a_fake(profile: Path, run_dir: Path) -> float:
    begun_at_ns = time.time_ns()
    run(profile, run_dir)
    lines = [json.loads(line) for file in run_dir.glob("records-*.jsonl") for line in file.read_text().splitlines()]
    end = next(line for line in lines if "began_at_ns" in line)
    first_s = min(line["intended_at_s"] + line["late_s"] for line in lines if "attempts" in line)
    return (end["began_at_ns"] - begun_at_ns) / 1e9 + first_s


def measure(name: str, base_url: str, rounds: int, first_request_s: Callable[[Path, Path], float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.yaml"
        profile.write_text(PROFILE.format(base_url=base_url))
        walls, cpus = [], []
        for number in range(rounds):
            before_s = cpu_s()
            walls.append(first_request_s(profile, Path(folder) / str(number)))
            cpus.append(cpu_s() - before_s)
    print(f"{name:36}{min(walls):8.2f}{statistics.median(walls):8.2f}{min(cpus):8.2f}{statistics.median(cpus):8.2f}")


def importing_s(code: str, rounds: int) -> float:
    found = []
    for _ in range(rounds):
        before_s = cpu_s()
        subprocess.run([sys.executable, "-c", code], check=True)
        found.append(cpu_s() - before_s)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(f"{'first request, s':36}{'least':>8}{'median':>8}{'CPU':>8}{'median':>8}")
    measure("of a run against a relay", f"http://127.0.0.1:{server.server_port}/v1", rounds, to_a_relay)
    measure("of a run against a fake relay", "fake://o-series", rounds, to_a_fake)
    print(f"\n{'CPU of imports, s':36}{'least':>8}")
    python_s = importing_s("pass", rounds)
    for name, code in PARTS.items():
        print(f"{name:36}{importing_s(code, rounds) - python_s:8.2f}")


if __name__ == "__main__":
    main()
