"""How punctually requests are sent, and whether every arrival of the schedule is sent once.

    python benchmarks/pacing.py [--rate 500] [--seconds 10] [--workers 1,4] [--json FILE]

Whole runs, constant and Poisson, of plain requests against a fake relay on the first core; the load-generating
processes have the others. `rate error` compares what was started with what the schedule, made anew, asks for.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from relayload.core.model.calibration import Spread
from relayload.core.model.record import Record
from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.launch import Launch, run
from relayload.profile import load
from relayload.profile.plan import arrivals
from relayload.recording import Recording

PRESET = """
models:
  plain: {ttft: {any: 1ms}, speed: 100000/s, output_tokens: {any: 1}}
"""
KEY = "sk-fake"
CORES = sorted(os.sched_getaffinity(0))


def profile_text(base_url: str, process: str, rate: int, seconds: int) -> str:
    content: dict[str, Any] = {
        "name": f"pacing-{process}",
        "target": {"base_url": base_url, "api_key": KEY},
        "load": {
            "kind": "open",
            "arrivals": process,
            "max_in_flight": 100_000,
            "stages": [{"for": "1s", "rate": f"{rate}/s", "warmup": True}, {"for": f"{seconds}s", "rate": f"{rate}/s"}],
        },
        "scenarios": {"plain": {"model": "plain", "prompt": {"text": "how are you"}, "stream": False}},
    }
    return yaml.safe_dump(content)


def measure(folder: Path, base_url: str, process: str, workers: int, options: argparse.Namespace) -> dict[str, Any]:
    profile = folder / f"{process}-{workers}.yaml"
    profile.write_text(profile_text(base_url, process, options.rate, options.seconds))
    run_dir = profile.with_suffix("")
    run(Launch(profile, (), run_dir, workers), lambda _: None)
    recording = Recording.open(run_dir)
    records = [line for line in recording.lines() if isinstance(line, Record)]
    scheduled = sorted(arrival.index for arrival in arrivals(load(profile)))
    late = Spread.of([record.late_s for record in records if record.measured])
    assert late is not None
    return {
        "arrivals": process,
        "workers": workers,
        "scheduled": len(scheduled),
        "sent_once": sorted(record.index for record in records) == scheduled,
        "rate_error": len(records) / len(scheduled) - 1,
        "late_ms": {"p50": late.p50_s * 1e3, "p99": late.p99_s * 1e3, "max": late.max_s * 1e3},
        "valid": recording.summary().generator.valid,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--workers", default="1,4")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "preset.yaml").write_text(PRESET)
        with FakeRelay.start(str(folder / "preset.yaml"), api_key=KEY) as relay:
            os.sched_setaffinity(relay.pid, CORES[:1])
            os.sched_setaffinity(0, CORES[1:] or CORES)
            print("arrivals   workers  scheduled  sent once  rate error   late p50    p99      max ms")
            for workers in map(int, options.workers.split(",")):
                for process in ("constant", "poisson"):
                    found = measure(folder, relay.base_url, process, workers, options)
                    results.append(found)
                    late = found["late_ms"]
                    print(
                        f"{process:<11}{workers:>7}{found['scheduled']:>11,}{found['sent_once']!s:>11}"
                        f"{found['rate_error']:>12.3%}{late['p50']:>11.3f}{late['p99']:>9.3f}{late['max']:>9.3f}"
                    )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
