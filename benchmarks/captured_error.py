"""How far the measured first tokens and gaps are from a packet capture, and whether their bounds hold the truth.

    python benchmarks/captured_error.py [--streams 200] [--rate 100] [--tokens 100] [--hogs 0,1] [--json FILE]

Runs once for each number of `--hogs`: processes that keep each core busy. Linux only, and needs root for the capture;
otherwise it says so and ends. The generator is pinned to one core, the fake relay to the other. Streams begin spread
over two seconds. The error is what the driver tells minus the timestamp of the captured segment.
"""

from locust import User  # noqa: F401 -- patches the standard library, as in a real run

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from packet_capture import Capture, Segment
from ttft_error import CORES, KEY, PRESET, stream

from relayload import clock
from relayload.core.model.record import Attempt
from relayload.core.objectives.gap_bounds import gaps_off
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.objective import Objective
from relayload.core.stats.histogram import bucket, middle_s
from relayload.core.wire.request import Endpoint
from relayload.core.wire.stream import NEGLIGIBLE_S, TokenStream
from relayload.fakerelay.process import FakeRelay
from relayload.transport.drivers import new_transport
from relayload.transport.http1 import Response

NOISE_S = 300e-6
"""How much later than the capture, at its sender, the kernel may stamp a segment when it arrives."""
WIDE_S = 1e-3


class Seen(NamedTuple):
    """A stream as captured: the instants of its tokens, on the monotonic clock."""

    request_id: str
    tokens_at_s: list[float]


def seen(segments: Iterable[Segment], wall_minus_monotonic_s: float) -> Iterator[Seen]:
    """Yield the captured streams."""
    by_port: dict[int, list[Segment]] = defaultdict(list)
    for segment in segments:
        by_port[segment.port].append(segment)
    for own in by_port.values():
        yield from _streams(own, wall_minus_monotonic_s)


def _streams(segments: list[Segment], wall_minus_monotonic_s: float) -> Iterator[Seen]:
    response, tokens = Response(), TokenStream(Endpoint.CHAT, bucket)
    at_s: list[float] = []
    expected = segments[0].sequence
    for segment in segments:
        if 0 < (segment.sequence - expected) % (1 << 32) < 1 << 31:  # the capture lost one
            return
        if segment.sequence != expected:  # sent again
            continue
        expected = (expected + len(segment.data)) % (1 << 32)
        for piece in response.feed(segment.data):
            tokens.feed(piece, 0.0)
        at_s += [segment.at_ns / 1e9 - wall_minus_monotonic_s] * (tokens.chunks - len(at_s))
        if response.complete:
            yield Seen(response.headers["x-request-id"], at_s)
            response, tokens, at_s = Response(), TokenStream(Endpoint.CHAT, bucket), []


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """Keep every core busy with so many processes."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count * len(CORES))]
    try:
        for number, process in enumerate(running):
            os.sched_setaffinity(process.pid, {CORES[number % len(CORES)]})
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def offset_s() -> float:
    """Return wall clock minus monotonic clock, from the pair of readings that lay closest together."""
    readings = [(clock.now_s(), clock.wall_ns(), clock.now_s()) for _ in range(50)]
    before_s, wall_ns, after_s = min(readings, key=lambda reading: reading[2] - reading[0])
    return wall_ns / 1e9 - (before_s + after_s) / 2


def measure(options: argparse.Namespace, busy: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "benchmark.yaml"
        preset.write_text(PRESET.format(rate=options.rate, tokens=options.tokens))
        with FakeRelay.start(str(preset), api_key=KEY) as relay, hogs(busy):
            os.sched_setaffinity(relay.pid, {CORES[0]})
            capture = Capture(urlsplit(relay.base_url).port or 0)
            transport = new_transport("native", relay.base_url, KEY)
            begun_s, cpu_s = time.monotonic(), time.process_time()
            attempts = stream(transport, options.streams)
            took_s, used_s = time.monotonic() - begun_s, time.process_time() - cpu_s
            kernel = transport.kernel_timestamps
            transport.close()
            found = {each.request_id: each.tokens_at_s for each in seen(capture.segments(), offset_s())}
    chunks = sum(attempt.chunks for attempt in attempts)
    attempts = [attempt for attempt in attempts if attempt.request_id in found]
    return {
        "hogs_per_core": busy,
        "streams": options.streams,
        "captured": len(attempts),
        "tokens_per_s": options.rate,
        "timestamps": "kernel" if kernel else "user",
        "first_tokens": first_tokens(attempts, found),
        "gaps": gaps(attempts, found, parse(f"chunk_gap.p99 < {1500 / options.rate}ms")),
        "cpu_us_per_chunk": round(used_s / chunks * 1e6, 2),
        "cpu_share": round(used_s / took_s, 3),
    }


def first_tokens(attempts: list[Attempt], found: Mapping[str, list[float]]) -> dict[str, Any]:
    """Compare the first tokens with those captured; in milliseconds and shares."""
    errors, widths, missed, held = [], [], [], 0
    for attempt in attempts:
        assert attempt.sent_at_s is not None, attempt
        assert attempt.ttft_s is not None, attempt
        error_s = attempt.sent_at_s + attempt.ttft_s - found[attempt.request_id or ""][0]
        width_s = attempt.ttft_error_s
        errors.append(error_s * 1e3)
        widths.append(width_s)
        is_held = -NOISE_S <= error_s <= width_s + NEGLIGIBLE_S + NOISE_S
        held += is_held
        if not is_held:
            missed.append([round(error_s * 1e3, 3), round(width_s * 1e3, 3)])
    cuts = statistics.quantiles(errors, n=1000)
    return {
        "error_ms": {
            "min": round(min(errors), 4),
            **{f"p{p:g}": round(cuts[round(p * 10) - 1], 4) for p in (50, 90, 99)},
            "max": round(max(errors), 4),
        },
        "held": held / len(errors),
        "missed_ms": missed,
        "wider_than_1ms": sum(width_s > WIDE_S for width_s in widths) / len(widths),
        "off_by_1ms": sum(error > WIDE_S * 1e3 for error in errors) / len(errors),
    }


def gaps(attempts: list[Attempt], found: Mapping[str, list[float]], objective: Objective) -> dict[str, Any]:
    """Count the gaps that are not below a limit, as captured, as measured and by the bounds; and how many streams lie
    within theirs."""
    captured = measured = least = most = held = 0
    for attempt in attempts:
        pairs = zip(attempt.chunk_gaps[::2], attempt.chunk_gaps[1::2], strict=True)
        own = sum(count for gap, count in pairs if middle_s(gap) >= objective.limit)
        fewer, more = gaps_off(objective, attempt.chunk_gaps, attempt.gap_errors) if attempt.gap_errors else (0, 0)
        at_s = found[attempt.request_id or ""]
        true = sum(after_s - before_s >= objective.limit for before_s, after_s in pairwise(at_s))
        captured, measured = captured + true, measured + own
        least, most = least + own - fewer, most + own + more
        held += own - fewer <= true <= own + more
    return {
        "limit_ms": objective.limit * 1e3,
        "captured": captured,
        "measured": measured,
        "at_least": least,
        "at_most": most,
        "streams_held": held / len(attempts),
    }


def show(result: dict[str, Any]) -> None:
    first, gap = result["first_tokens"], result["gaps"]
    error = " ".join(f"{name} {value:.3f}" for name, value in first["error_ms"].items())
    print(
        f"{result['hogs_per_core']} hogs per core, {result['streams']} streams x {result['tokens_per_s']}/s, "
        f"{result['timestamps']} timestamps, {result['cpu_us_per_chunk']} µs CPU per chunk\n"
        f"  TTFT error, ms: {error}; {first['off_by_1ms']:.2%} off by more than 1 ms\n"
        f"  the bounds held {first['held']:.2%} of the captured instants; {first['wider_than_1ms']:.2%} are wider than "
        f"1 ms\n  gaps of {gap['limit_ms']:.1f} ms or more: {gap['captured']} captured, {gap['measured']} measured, "
        f"{gap['at_least']} to {gap['at_most']} by their bounds, which held for {gap['streams_held']:.2%} of "
        "the streams",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rate", type=int, default=100, help="tokens per second of each stream")
    parser.add_argument("--tokens", type=int, default=100, help="of each stream")
    parser.add_argument("--hogs", default="0,1", help="processes that keep each core busy, of each run")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        Capture(1, megabytes=1).segments()
    except (AttributeError, PermissionError):
        sys.exit("skipped: capturing packets takes Linux and root")
    os.sched_setaffinity(0, set(CORES[1:2] or CORES))
    results = []
    for busy in map(int, options.hogs.split(",")):
        results.append(measure(options, busy))
        show(results[-1])
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
