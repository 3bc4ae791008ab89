"""How fast the fake relay is, and how well it keeps its own schedule.

    python benchmarks/fake_relay.py [plain|streams|schedule|open] ...

CPU figures are the relay's own, of all its threads, user and system. "One core" is what that CPU time would
allow: on a machine whose cores are shared, the rate that was reached says less. The client and the relay are
pinned to a core each where the system lets them be.
"""

import contextlib
import json
import os
import selectors
import socket
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from relayload.fakerelay.process import FakeRelay

PRESET = """
models:
  instant: {{ttft: {{any: 100us}}, speed: 100000/s, output_tokens: {{any: 16}}}}
  steady: {{ttft: {{any: 1ms}}, speed: {speed}/s, output_tokens: {{any: {tokens}}}}}
  paced: {{ttft: {{any: {{p50: 400ms, p99: 1500ms}}}}, speed: {speed}/s, output_tokens: {{any: {tokens}}}}}
"""
_CORES = sorted(os.sched_getaffinity(0))
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def relay_with(speed: int = 100, tokens: int = 300) -> Iterator[FakeRelay]:
    """A relay on a core of its own, where there are several."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "benchmark.yaml"
        file.write_text(PRESET.format(speed=speed, tokens=tokens))
        with FakeRelay.start(str(file)) as relay:
            os.sched_setaffinity(relay.pid, {_CORES[0]})
            yield relay


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def request_bytes(model: str, *, stream: bool) -> bytes:
    body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": "how are you"}]})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-fake\r\ncontent-length: {len(body)}"
    )
    return f"{head}\r\n\r\n{body}".encode()


def connect(relay: FakeRelay, count: int) -> list[socket.socket]:
    address = urlsplit(relay.base_url)
    return [socket.create_connection((address.hostname, address.port)) for _ in range(count)]


def told(relay: FakeRelay, path: str) -> Any:
    with urllib.request.urlopen(relay.base_url.removesuffix("/v1") + path) as response:
        return json.load(response)


def plain(connections: int = 32, for_s: float = 5.0) -> None:
    """Plain requests, each sent as soon as the answer before it is there."""
    request = request_bytes("instant", stream=False)
    with relay_with() as relay, selectors.DefaultSelector() as selector:
        sockets = connect(relay, connections)
        for each in sockets:
            selector.register(each, selectors.EVENT_READ, each)
            each.sendall(request)
        begun_s, cpu_before_s, answers = time.monotonic(), cpu_s(relay.pid), 0
        while time.monotonic() - begun_s < for_s:
            for key, _ in selector.select(1.0):
                key.data.recv(65536)  # an answer is one segment
                answers += 1
                key.data.send(request)
        took_s, used_s = time.monotonic() - begun_s, cpu_s(relay.pid) - cpu_before_s
        for each in sockets:
            each.close()
    cost_s = used_s / answers
    print(
        f"plain     {answers / took_s:8,.0f} requests/s reached, {cost_s * 1e6:6.1f} µs CPU each,"
        f" one core: {1 / cost_s:,.0f}/s"
    )


def _stream(relay: FakeRelay, count: int, ramp_s: float, model: str = "paced") -> tuple[float, float]:
    """Run so many streams to their ends; wall and CPU seconds of the relay."""
    request = request_bytes(model, stream=True)
    sockets = connect(relay, count)
    with selectors.DefaultSelector() as selector:
        begun_s, cpu_before_s, running = time.monotonic(), cpu_s(relay.pid), count
        waiting = list(sockets)
        while running:
            due = int(min(1.0, (time.monotonic() - begun_s) / ramp_s) * count) if ramp_s else count
            while waiting and count - len(waiting) < due:
                each = waiting.pop()
                selector.register(each, selectors.EVENT_READ, each)
                each.sendall(request)
            # Looking every few milliseconds and reading much at once keeps this client cheap.
            time.sleep(0.01)
            for key, _ in selector.select(0):
                if key.data.recv(1 << 20).endswith(b"\r\n0\r\n\r\n"):
                    selector.unregister(key.fileobj)
                    running -= 1
        took_s, used_s = time.monotonic() - begun_s, cpu_s(relay.pid) - cpu_before_s
    for each in sockets:
        each.close()
    return took_s, used_s


def streams(count: int = 500, speed: int = 120, tokens: int = 600) -> None:
    """As many chunks a second as asked, from paced streams."""
    with relay_with(speed, tokens) as relay:
        took_s, used_s = _stream(relay, count, ramp_s=0.2, model="steady")
    chunks = count * tokens
    cost_s = used_s / chunks
    print(
        f"streams   {count} x {speed} tok/s: {chunks / took_s:8,.0f} chunks/s reached, {cost_s * 1e6:6.2f} µs CPU each,"
        f" one core: {1 / cost_s:,.0f}/s"
    )


def schedule(count: int = 500, speed: int = 100, tokens: int = 500) -> None:
    """First and last tokens against the instants drawn for them, from the relay's own account."""
    with relay_with(speed, tokens) as relay:
        _stream(relay, count, ramp_s=2.0)
        entries = told(relay, f"/__relay/requests?last={count}")
    first = [(e["first_byte_ns"] - e["received_ns"]) / 1e9 - e["ttft_s"] for e in entries]
    last = [
        (e["ended_ns"] - e["received_ns"]) / 1e9 - e["ttft_s"] - (e["output_tokens"] - 1) / e["tokens_per_s"]
        for e in entries
    ]
    for name, errors in (("first", first), ("last", last)):
        cuts = statistics.quantiles(errors, n=100)
        print(
            f"schedule  {count} x {speed} tok/s: {name} token late by p50 {cuts[49] * 1e3:.3f} ms,"
            f" p99 {cuts[98] * 1e3:.3f} ms, most {max(errors) * 1e3:.3f} ms"
        )


def open_streams(count: int = 2000, speed: int = 10, tokens: int = 60) -> None:
    """Many streams open at once."""
    with relay_with(speed, tokens) as relay:
        took_s, used_s = _stream(relay, count, ramp_s=1.0)
        stats = told(relay, "/__relay/stats")
        memory_kb = int(Path(f"/proc/{relay.pid}/status").read_text().partition("VmHWM:")[2].split()[0])
    print(
        f"open      {stats['peak_in_flight']} streams at once, {stats['by_outcome']['ok']} of {count} ended well,"
        f" {used_s / took_s:.0%} of a core, {memory_kb / 1024:.0f} MB at most"
    )


BENCHMARKS: dict[str, Callable[[], None]] = {
    "plain": plain,
    "streams": streams,
    "schedule": schedule,
    "open": open_streams,
}


def main(names: list[str]) -> None:
    """Run those named, or all, on another core than the relay."""
    os.sched_setaffinity(0, set(_CORES[1:] or _CORES))
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
