"""What a request and a streamed chunk cost the load generator, beside what others pay for the same.

    python benchmarks/client_cost.py [--rounds 5] [--only native,openai] [--tls] [--json FILE]

All clients run in one process that Locust has patched, pinned to one core; the fake relay has the other. They take
turns, so that a noisy machine is equally noisy for all; the median of the rounds counts. CPU is that of the whole
process, user and system, and includes the kernel's share of the loopback. The last line tells how fast the machine
was: compare ratios, not microseconds, between machines.
"""

from locust import FastHttpUser, HttpUser
from locust.env import Environment

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from geventhttpclient import HTTPClient

from relayload.core.model.record import Outcome
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts, WireRequest
from relayload.fakerelay.process import FakeRelay
from relayload.transport.drivers import new_transport

PRESET = """
models:
  instant: {ttft: {any: 100us}, speed: 100000/s, output_tokens: {any: 16}}
  paced: {ttft: {any: 50ms}, speed: 100/s, output_tokens: {any: 200}}
"""
KEY = "sk-fake"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
MESSAGES = [{"role": "user", "content": "how are you"}]
PLAIN = chat_request("instant", MESSAGES, stream=False)
STREAM = chat_request("paced", MESSAGES)
PATH = "/chat/completions"
TIMEOUTS = Timeouts(total_s=60.0)
CORES = sorted(os.sched_getaffinity(0))

Send = Callable[[WireRequest], int]
"""Sends one request and returns how many tokens' events it read: 0 for a plain answer."""


class Target(NamedTuple):
    base_url: str
    certificate: str | None


class Cost(NamedTuple):
    request_us: float
    chunk_us: float


@contextlib.contextmanager
def target(*, tls: bool) -> Iterator[Target]:
    """The fake relay, behind a TLS end if asked for, both on the first core."""
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "benchmark.yaml"
        preset.write_text(PRESET)
        with FakeRelay.start(str(preset), api_key=KEY) as relay:
            os.sched_setaffinity(relay.pid, {CORES[0]})
            if not tls:
                yield Target(relay.base_url, None)
                return
            with tls_front(relay.base_url, Path(folder)) as front:
                yield front


@contextlib.contextmanager
def tls_front(base_url: str, folder: Path) -> Iterator[Target]:
    certificate = folder / "server.pem"
    key = folder / "server.key"
    names = "subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=front", "-addext", names, "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    place = urlsplit(base_url)
    script = Path(__file__).with_name("tls_front.py")
    command = [sys.executable, str(script), str(certificate), str(place.hostname), str(place.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as front:
        os.sched_setaffinity(front.pid, {CORES[0]})
        try:
            assert front.stdout is not None
            yield Target(f"https://127.0.0.1:{int(front.stdout.readline())}/v1", str(certificate))
        finally:
            front.terminate()


def driver(name: str) -> Callable[[Target, int], list[Send]]:
    """One of our own: a single transport for all senders."""

    def senders(at: Target, count: int) -> list[Send]:
        transport = new_transport(name, at.base_url, KEY, ca_file=at.certificate)

        def send(request: WireRequest) -> int:
            attempt = transport.send(request, TIMEOUTS).attempt
            assert attempt.outcome is Outcome.OK, attempt
            return attempt.chunks

        return [send] * count

    return senders


def locust_user(kind: type[HttpUser] | type[FastHttpUser]) -> Callable[[Target, int], list[Send]]:
    """A user of Locust for every sender, as Locust has it."""

    def senders(at: Target, count: int) -> list[Send]:
        user_class = type("BenchmarkUser", (kind,), {"host": at.base_url, "abstract": False})
        environment = Environment(user_classes=[user_class])
        return [_locust_send(user_class(environment), at) for _ in range(count)]

    return senders


def _locust_send(user: Any, at: Target) -> Send:
    is_fast = isinstance(user, FastHttpUser)
    options: dict[str, Any] = {"headers": HEADERS}
    if at.certificate and not is_fast:  # FastHttpUser does not verify certificates anyway
        options["verify"] = at.certificate

    def send(request: WireRequest) -> int:
        body = json.dumps(request.body)
        if request.stream and is_fast:
            return sum(map(_is_token, user.client.iter_lines(PATH, "POST", data=body, **options)))
        response = user.client.post(PATH, data=body, stream=request.stream, **options)
        assert response.status_code == 200, response.status_code
        if request.stream:
            return sum(map(_is_token, response.iter_lines()))
        return len(response.json()["choices"]) - 1

    return send


def bare_geventhttpclient(at: Target, count: int) -> list[Send]:
    """The library below FastHttpUser, with nothing of Locust: one pool for all senders."""
    place = urlsplit(at.base_url)
    assert place.hostname is not None
    tls: dict[str, Any] = {"ssl": True, "ssl_options": {"ca_certs": at.certificate}} if at.certificate else {}
    client = HTTPClient(place.hostname, place.port, concurrency=count, network_timeout=60, **tls)

    def send(request: WireRequest) -> int:
        response = client.request("POST", place.path + PATH, body=json.dumps(request.body), headers=HEADERS)
        assert response.status_code == 200, response.status_code
        if not request.stream:
            return len(json.loads(response.read())["choices"]) - 1
        return sum(map(_is_token, iter(lambda: response.readline(b"\n"), b"")))

    return [send] * count


def _is_token(line: bytes | str) -> bool:
    """Read an event as a script by hand would."""
    text = line if isinstance(line, str) else line.decode()
    if not text.startswith("data: {"):
        return False
    choices = json.loads(text[6:])["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


CLIENTS: dict[str, Callable[[Target, int], list[Send]]] = {
    "native": driver("native"),
    "openai": driver("openai"),
    "geventhttpclient": bare_geventhttpclient,
    "FastHttpUser": locust_user(FastHttpUser),
    "HttpUser": locust_user(HttpUser),
}


def cost_of(senders: Callable[[Target, int], list[Send]], at: Target) -> Cost:
    """CPU microseconds for a plain request, 16 at a time, and for a chunk of 100 streams at 100 tokens/s."""
    plain, streamed = senders(at, 16), senders(at, 100)
    run(plain, PLAIN, 1)
    run(streamed, PLAIN, 1)  # connections, and TLS, are made before anything is measured
    begun_s = time.process_time()
    run(plain, PLAIN, 100)
    request_s = (time.process_time() - begun_s) / (16 * 100)
    begun_s = time.process_time()
    chunks = run(streamed, STREAM, 1)
    return Cost(request_s * 1e6, (time.process_time() - begun_s) / chunks * 1e6)


def run(senders: list[Send], request: WireRequest, times: int) -> int:
    """Every sender sends so many requests, one after another; the tokens read by all."""

    def repeat(number: int, send: Send) -> int:
        if request.stream:
            gevent.sleep(number * 0.005)  # streams that begin together would also arrive together
        return sum(send(request) for _ in range(times))

    return sum(greenlet.get() for greenlet in [gevent.spawn(repeat, *each) for each in enumerate(senders)])


def yardstick_ms() -> float:
    """CPU of a fixed piece of Python: how fast the machine is just now."""
    begun_s = time.process_time()
    sum(number * number for number in range(300_000))
    return (time.process_time() - begun_s) * 1e3


def measure(names: list[str], rounds: int, *, tls: bool) -> dict[str, Any]:
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    speeds = []
    with target(tls=tls) as at:
        for _ in range(rounds):
            for name in names:
                speeds.append(yardstick_ms())
                costs[name].append(cost_of(CLIENTS[name], at))
    medians = {name: Cost(*map(statistics.median, zip(*each, strict=True))) for name, each in costs.items()}
    return {
        "tls": tls,
        "rounds": rounds,
        "yardstick_ms": round(statistics.median(speeds), 2),
        "cpu_us": {
            name: {"request": round(c.request_us, 1), "chunk": round(c.chunk_us, 1)} for name, c in medians.items()
        },
    }


def print_table(result: dict[str, Any]) -> None:
    print(f"\n{'TLS' if result['tls'] else 'plain TCP'}, CPU µs{'per request':>17}{'per chunk':>12}")
    for name, cost in result["cpu_us"].items():
        print(f"  {name:<22}{cost['request']:>12.1f}{cost['chunk']:>12.1f}")
    print(f"  yardstick {result['yardstick_ms']} ms, median of {result['rounds']} rounds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(CLIENTS))
    parser.add_argument("--tls", action="store_true", help="measure TLS, too")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, set(CORES[1:2] or CORES))
    results = []
    for tls in (False, True) if options.tls else (False,):
        results.append(measure(options.only.split(","), options.rounds, tls=tls))
        print_table(results[-1])
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
