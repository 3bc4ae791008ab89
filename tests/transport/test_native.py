"""The driver against a server of raw bytes: what comes of every kind of answer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relayload.core.results.record import Outcome
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import RelayFault, Timeouts, WireRequest
from relayload.transport.native import NativeTransport

MESSAGES = [{"role": "user", "content": "hi"}]
PATIENT = Timeouts(connect_s=5.0, total_s=10.0)


def request(**changes: Any) -> WireRequest:
    return chat_request("o3", MESSAGES, **changes)


def event(content: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % content.encode()


@pytest.fixture
def connect() -> Iterator[Callable[..., NativeTransport]]:
    transports: list[NativeTransport] = []

    def new(base_url: str, **options: Any) -> NativeTransport:
        transports.append(NativeTransport(base_url, "sk-test", **options))
        return transports[-1]

    yield new
    for transport in transports:
        transport.close()


def test_a_plain_answer_is_read_whole(serve, connect):
    def script(peer):
        peer.read_request()
        peer.answer(headers="x-request-id: req-9\r\n")

    server = serve(script)
    answer = connect(server.base_url).send(request(stream=False), PATIENT, keep_text=True)

    attempt = answer.attempt
    assert (attempt.outcome, attempt.error, attempt.status) == (Outcome.OK, None, 200)
    assert (attempt.input_tokens, attempt.cached_input_tokens) == (7, 3)
    assert (attempt.output_tokens, attempt.reasoning_tokens) == (2, 1)
    assert (attempt.finish_reason, attempt.request_id, answer.text) == ("stop", "req-9", "hello")
    assert attempt.ttft_s is None
    assert attempt.service_s is not None


def test_a_stream_is_timed_and_counted(serve, connect):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_chunk(b'data: {"id":"c1","choices":[{"delta":{"role":"assistant","content":""}}]}\n\n')
        for word in ("one", " two", " three"):
            peer.send_chunk(event(word))
        peer.send_chunk(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n')
        peer.send_chunk(b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3}}\n\n')
        peer.send_chunk(b"data: [DONE]\n\n")
        peer.send_chunk(b"")

    server = serve(script)
    answer = connect(server.base_url).send(request(), PATIENT, keep_text=True)

    attempt = answer.attempt
    assert (attempt.outcome, attempt.chunks, attempt.output_tokens) == (Outcome.OK, 3, 3)
    assert sum(attempt.chunk_gaps[1::2]) == 2
    assert answer.text == "one two three"
    assert attempt.request_id == "c1"
    assert attempt.ttft_s is not None
    assert attempt.ttft_s == attempt.ttfo_s <= attempt.service_s


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("429 Too Many Requests", Outcome.RATE_LIMITED),
        ("401 Unauthorized", Outcome.REJECTED),
        ("302 Found", Outcome.REJECTED),
        ("503 Service Unavailable", Outcome.SERVER_ERROR),
        ("529 ", Outcome.SERVER_ERROR),
    ],
)
def test_an_error_status_is_an_outcome(serve, connect, status, outcome):
    def script(peer):
        peer.read_request()
        peer.answer(b'{"error":{"message":"no","type":"t","code":7}}', status, "Retry-After: 3\r\n")

    answer = connect(serve(script).base_url).send(request(), PATIENT)

    assert answer.attempt.outcome is outcome
    assert answer.attempt.error == f"http_{status[:3]}"
    assert answer.fault == RelayFault("no", "t", "7")
    assert answer.headers["retry-after"] == "3"


def test_connections_are_kept_alive(serve, connect):
    def script(peer):
        while True:
            peer.read_request()
            peer.answer()

    server = serve(script)
    transport = connect(server.base_url)
    attempts = [transport.send(request(stream=False), PATIENT).attempt for _ in range(3)]

    assert server.connections == 1
    assert [attempt.connect_s is None for attempt in attempts] == [False, True, True]


def test_nobody_listening_is_unreachable(connect):
    attempt = connect("http://127.0.0.1:1/v1").send(request(), PATIENT).attempt

    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "connect")
    assert attempt.sent_at_s is None
