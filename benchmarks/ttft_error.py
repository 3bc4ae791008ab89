"""How far the measured first tokens are from the truth: the instants at which the fake relay wrote them.

    python benchmarks/ttft_error.py [--streams 500] [--rate 100] [--tokens 300] [--driver native] [--json FILE]

The generator is pinned to one core, the fake relay to the other. Streams begin spread over two seconds. The error is
arrival, as the driver tells it, minus the relay's own stamp, both on this machine's clocks.
"""

from locust import User  # noqa: F401 -- patches the standard library, as in a real run

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import gevent

from relayload import clock
from relayload.core.model.record import Attempt, Outcome
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts
from relayload.fakerelay.process import FakeRelay
from relayload.transport import Transport
from relayload.transport.drivers import DRIVERS, new_transport

PRESET = """
models:
  paced: {{ttft: {{any: {{p50: 50ms, p99: 100ms}}}}, speed: {rate}/s, output_tokens: {{any: {tokens}}}}}
"""
KEY = "sk-fake"
RAMP_S = 2.0
CORES = sorted(os.sched_getaffinity(0))


def stream(transport: Transport, count: int) -> list[Attempt]:
    """Run so many streams to their ends."""
    request = chat_request("paced", [{"role": "user", "content": "how are you"}])

    def send(number: int) -> Attempt:
        gevent.sleep(number * RAMP_S / count)
        return transport.send(request, Timeouts()).attempt

    return [greenlet.get() for greenlet in [gevent.spawn(send, number) for number in range(count)]]


def written_at_s(relay: FakeRelay) -> dict[str, float]:
    """When the relay wrote each first token, on the monotonic clock, by request id."""
    wall_minus_monotonic_s = clock.wall_ns() / 1e9 - clock.now_s()
    return {name: at_ns / 1e9 - wall_minus_monotonic_s for name, at_ns in relay.first_byte_ns().items() if at_ns}


def errors_ms(attempts: list[Attempt], truth_s: dict[str, float]) -> list[float]:
    """Of all streams, in ascending order."""
    errors = []
    for attempt in attempts:
        assert attempt.outcome is Outcome.OK, attempt
        assert attempt.sent_at_s is not None
        assert attempt.ttft_s is not None
        errors.append((attempt.sent_at_s + attempt.ttft_s - truth_s[attempt.request_id or ""]) * 1e3)
    return sorted(errors)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "benchmark.yaml"
        preset.write_text(PRESET.format(rate=options.rate, tokens=options.tokens))
        with FakeRelay.start(str(preset), api_key=KEY) as relay:
            os.sched_setaffinity(relay.pid, {CORES[0]})
            transport = new_transport(options.driver, relay.base_url, KEY)
            begun_s, cpu_s = time.monotonic(), time.process_time()
            attempts = stream(transport, options.streams)
            took_s, used_s = time.monotonic() - begun_s, time.process_time() - cpu_s
            errors = errors_ms(attempts, written_at_s(relay))
            kernel = transport.kernel_timestamps
            transport.close()
    cuts = statistics.quantiles(errors, n=1000)
    chunks = sum(attempt.chunks for attempt in attempts)
    return {
        "driver": options.driver,
        "streams": options.streams,
        "tokens_per_s": options.rate,
        "timestamps": "kernel" if kernel else "user",
        "ttft_error_ms": {
            "min": round(errors[0], 4),
            **{f"p{p:g}": round(cuts[round(p * 10) - 1], 4) for p in (50, 90, 99)},
            "max": round(errors[-1], 4),
        },
        "chunks": chunks,
        "cpu_us_per_chunk": round(used_s / chunks * 1e6, 2),
        "cpu_share": round(used_s / took_s, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--rate", type=int, default=100, help="tokens per second of each stream")
    parser.add_argument("--tokens", type=int, default=300, help="of each stream")
    parser.add_argument("--driver", choices=DRIVERS, default="native")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, set(CORES[1:2] or CORES))
    result = measure(options)
    error = " ".join(f"{name} {value:.3f}" for name, value in result["ttft_error_ms"].items())
    print(f"{result['driver']}, {result['streams']} streams x {result['tokens_per_s']}/s: TTFT error, ms: {error}")
    cost = f"{result['cpu_us_per_chunk']} µs CPU per chunk, core {result['cpu_share']:.0%} busy"
    print(f"{result['timestamps']} timestamps, {cost}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
