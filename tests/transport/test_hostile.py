"""Answers that never end, or that are far too large, among good ones: the good ones are answered, and memory stays."""

import gzip
import json
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
from support import PATIENCE_S

RUNNER = """
from locust import User
import json, resource, sys
from gevent.pool import Pool
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts
from relayload.transport.drivers import new_transport, prepare

driver, base_url, models, streams = json.load(sys.stdin)
prepare(driver)
HURRIED = ["endless-tokens", "endless-crumbs", "endless-crumbs-of-events"]
if driver == "openai":
    HURRIED.append("endless-interim")  # which this driver never takes for too much
transport = new_transport(driver, base_url, "sk-test")


def send(model):
    request = chat_request(model, [{"role": "user", "content": "hi"}], stream=streams)
    timeouts = Timeouts(connect_s=150.0, total_s=0.5 if model in HURRIED else 150.0)
    attempt = transport.send(request, timeouts).attempt
    return model, attempt.outcome, attempt.error


found = Pool(len(models)).map(send, models)
json.dump([found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024], sys.stdout)
"""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n"
SSE, JSON = HEAD % b"text/event-stream", HEAD % b"application/json"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
SPACES = b"10000\r\n" + b" " * 65_536 + b"\r\n"
DEEP = b'{"choices":' + b"[" * 100_000
TOO_LARGE = ("broken_stream", "too_large")


def bomb(megabytes: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(stream.compress(bytes(1_000_000)) for _ in range(megabytes)), stream.flush()])


BOMB = bomb(100)
HIDDEN = zlib.compressobj(9, zlib.DEFLATED, 31)
HIDDEN_BOMB = HIDDEN.compress(gzip.compress(b"{}") + bytes(100_000_000)) + HIDDEN.flush()
"""Of whose second layer next to nothing comes."""
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    # how an answer begins, and what follows for ever
    "endless-tokens": (SSE + b"\r\n", TOKEN * 1000),
    "endless-header": (b"HTTP/1.1 200 OK\r\nx-a: ", b"a" * 65_536),
    "endless-headers": (b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n" * 8000),
    "endless-interim": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 1500),
    "endless-body": (JSON + CHUNKED, SPACES),
    "endless-error": (b"HTTP/1.1 500 No\r\ncontent-type: application/json\r\n" + CHUNKED, SPACES),
    "endless-line": (SSE + b"\r\ndata: ", b"a" * 65_536),
    "endless-event": (SSE + b"\r\n", b"data: a\n" * 8000),
    "endless-trailer": (JSON + CHUNKED + b"2\r\n{}\r\n0\r\nx-a: ", b"a" * 65_536),
    "endless-extension": (JSON + CHUNKED + b"2;a=", b"a" * 65_536),
}
CRUMBS: dict[str, tuple[bytes, bytes]] = {
    "endless-crumbs": (JSON + CHUNKED + b"1\r\n{\r\n", b"2\r\n  \r\n" * 8000),
    "endless-crumbs-of-events": (SSE + CHUNKED + b"6\r\ndata: \r\n", b"2\r\naa\r\n" * 8000),
}
WHOLE: dict[str, bytes] = {
    "bomb": JSON + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB,
    "bomb-of-events": SSE + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB,
    "hidden-bomb": JSON
    + b"content-encoding: gzip, gzip\r\ncontent-length: %d\r\n\r\n" % len(HIDDEN_BOMB)
    + HIDDEN_BOMB,
    "deep": JSON + b"content-length: %d\r\n\r\n" % len(DEEP) + DEEP,
    "many-choices": SSE + b"connection: close\r\n\r\ndata: {" + b'"choices":[' + b'{"index":1},' * 200_000 + b"0]}\n\n",
}


def misbehave(peer) -> None:
    while True:
        model = json.loads(peer.read_request().body)["model"]
        if model in WHOLE:
            peer.send(WHOLE[model])
            return
        if endless := (ENDLESS | CRUMBS).get(model):
            begin, more = endless
            peer.send(begin)
            while True:
                peer.send(more)
        peer.begin_stream()
        peer.send_event("a")
        peer.end_stream()


Run = Callable[..., tuple[list[tuple[str, str, str | None]], int]]


@pytest.fixture
def run(serve) -> Run:
    """Sends to the hostile relay from a process of its own: what came of each request, and the most memory it took."""
    base_url = serve(misbehave).base_url

    def send(driver: str, models: list[str], *, stream: bool = True) -> tuple[list[tuple[str, str, str | None]], int]:
        command = [sys.executable, "-c", RUNNER]
        told = json.dumps([driver, base_url, models, stream])
        ended = subprocess.run(command, input=told, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert ended.returncode == 0, ended.stderr
        found, most_bytes = json.loads(ended.stdout)
        return [tuple(each) for each in found], most_bytes

    return send


ENDINGS = {
    "endless-tokens": ("timed_out", "total_timeout"),
    "endless-error": ("server_error", "too_large"),
}
SDK_ENDINGS = {
    "endless-interim": ("timed_out", "total_timeout"),  # nothing of it is kept, and nothing counted
    "many-choices": ("broken_stream", "malformed_event"),  # the SDK reads it as JSON, whatever it is
}


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_hostile_answers_end_and_good_ones_do_not_notice(run: Run, driver: str) -> None:
    models = [*ENDLESS, *WHOLE, *["good"] * 16]
    endings = ENDINGS | (SDK_ENDINGS if driver == "openai" else {}) | {"good": ("ok", None)}
    found, _ = run(driver, models)
    assert found == [(model, *endings.get(model, TOO_LARGE)) for model in models]


def most_more_bytes(run: Run, models: list[str]) -> int:
    """How much more memory these answers take than good ones."""
    _, usual_bytes = run("native", ["good"] * len(models))
    found, most_bytes = run("native", models)
    assert "ok" not in {outcome for _, outcome, _ in found}
    return most_bytes - usual_bytes


def test_two_hundred_hostile_answers_take_little_more_memory_than_good_ones(run: Run) -> None:
    assert most_more_bytes(run, ([*ENDLESS, *WHOLE] * 15)[:200]) < 64_000_000


def test_crumbs_take_no_more_memory_than_their_bytes(run: Run) -> None:
    assert most_more_bytes(run, [*CRUMBS] * 30) < 64_000_000


@pytest.mark.slow
@pytest.mark.parametrize("model", [*ENDLESS, *CRUMBS, *WHOLE])
def test_two_hundred_of_a_kind_take_little_more_memory_than_good_ones(run: Run, model: str) -> None:
    assert most_more_bytes(run, [model] * 200) < 64_000_000
