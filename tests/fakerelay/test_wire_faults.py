"""Every fault as it looks on a raw socket, byte by byte."""

import itertools
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from support import PATIENCE_S

from relayload.fakerelay.process import FakeRelay

FAULTS = {
    "sound": None,
    "status500": "kind: status, status: 500",
    "status529": "kind: status, status: 529, retry_after: 7s",
    "html502": "kind: status, status: 502, body: html",
    "empty504": "kind: status, status: 504, body: empty",
    "late503": "kind: status, status: 503, delay: 200ms",
    "reset": "kind: reset",
    "midreset": "kind: reset, at: middle",
    "slow": "kind: slow_first_token, delay: 300ms",
    "stall": "kind: stall, for: 1s",
    "comments": "kind: stall, for: 300ms, keep_alive: 100ms, comment: OPENROUTER PROCESSING, after_tokens: 0",
    "truncate": "kind: truncate",
    "error_event": "kind: error_event",
    "error_in_200": "kind: error_in_200",
    "missing_usage": "kind: missing_usage",
    "malformed_json": "kind: malformed_json",
    "coalesce": "kind: coalesce, events: 4",
    "fragment": "kind: fragment, bytes: 200, pause: 20ms",
    "split_utf8": "kind: split_utf8, pause: 100ms",
    "crlf": "kind: crlf",
    "buffered": "kind: buffered",
    "too_long": "kind: wrong_length, by: 50",
    "too_short": "kind: wrong_length, by: -50",
    "duplicate_chunk": "kind: duplicate_chunk",
    "huge_chunk": "kind: huge_chunk, size: 1MB",
}
TOKENS = 8


@dataclass
class Wire:
    """What came over a socket: the pieces with their instants, and how it ended."""

    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    reset: bool = False

    @property
    def raw(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def rest(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def body(self) -> bytes:
        """Without the framing of chunks."""
        if b"transfer-encoding: chunked" not in self.head:
            return self.rest
        body, rest = b"", self.rest
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return body

    @property
    def events(self) -> list[bytes]:
        return self.body.split(b"\n\n")[:-1]


@pytest.fixture(scope="module")
def relay(start_relay: Callable[..., FakeRelay]) -> FakeRelay:
    models = [f"  {name}: {{ttft: {{any: 20ms}}, speed: 100/s, output_tokens: {{any: {TOKENS}}}}}" for name in FAULTS]
    faults = [f"  - {{{fault}, models: [{name}]}}" for name, fault in FAULTS.items() if fault]
    return start_relay("\n".join(["models:", *models, "faults:", *faults]))


def exchange(relay: FakeRelay, model: str, *, stream: bool = True) -> Wire:
    """Send one request and read until the connection ends."""
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    if stream:
        body["stream_options"] = {"include_usage": True}
    data = json.dumps(body).encode()
    address = urlsplit(relay.base_url)
    wire = Wire()
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        begun = time.monotonic()
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-fake\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data)
        )
        try:
            while piece := connection.recv(65536):
                wire.pieces.append((time.monotonic() - begun, piece))
        except ConnectionResetError:
            wire.reset = True
    return wire


def exchange_until(relay: FakeRelay, model: str, apart: Callable[[Wire], bool], *, stream: bool = True) -> Wire:
    """As `exchange`, but anew where packets that waited unread, since this machine is busy, came as one."""
    for _ in range(20):
        wire = exchange(relay, model, stream=stream)
        if apart(wire):
            break
    return wire


def tokens(events: list[bytes]) -> int:
    return sum(b'"delta":{"content":" ' in event for event in events)


def largest_gap(wire: Wire) -> float:
    instants = [at_s for at_s, _ in wire.pieces]
    return max(later - earlier for earlier, later in itertools.pairwise(instants))


def test_a_sound_stream(relay):
    wire = exchange(relay, "sound")
    assert wire.head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: text/event-stream" in wire.head
    assert wire.rest.endswith(b"\r\n0\r\n\r\n")
    assert [json.loads(event.removeprefix(b"data: "))["object"] for event in wire.events[:-1]] == [
        "chat.completion.chunk"
    ] * (TOKENS + 3)
    assert wire.events[-1] == b"data: [DONE]"
    assert tokens(wire.events) == TOKENS
    assert not wire.reset


def test_a_sound_plain_answer(relay):
    wire = exchange(relay, "sound", stream=False)
    assert b"content-length: %d" % len(wire.rest) in wire.head
    assert json.loads(wire.rest)["usage"]["completion_tokens"] == TOKENS


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("model", "first_line", "header", "body"),
    [
        ("status500", b"HTTP/1.1 500 Internal Server Error", b"application/json", b'{"error":{"message"'),
        ("status529", b"HTTP/1.1 529 ", b"retry-after: 7", b'{"error":{"message"'),
        ("html502", b"HTTP/1.1 502 Bad Gateway", b"text/html", b"<html>\r\n<head><title>502 Bad Gateway"),
        ("empty504", b"HTTP/1.1 504 Gateway Timeout", b"content-length: 0", b""),
    ],
)
def test_error_statuses(relay, model, first_line, header, body, stream):
    wire = exchange(relay, model, stream=stream)
    assert wire.head.startswith(first_line + b"\r\n")
    assert header in wire.head
    assert wire.rest.startswith(body)


def test_an_error_status_may_take_its_time(relay):
    assert exchange(relay, "late503").pieces[0][0] >= 0.19


@pytest.mark.parametrize("stream", [True, False])
def test_a_reset_before_the_answer(relay, stream):
    wire = exchange(relay, "reset", stream=stream)
    assert wire.raw == b""
    assert wire.reset


def test_a_reset_in_the_middle(relay):
    wire = exchange(relay, "midreset")
    assert wire.reset
    # The kernel may drop what was not read before the reset, but nothing more than half can be there.
    assert tokens(wire.raw.split(b"\n\n")) <= TOKENS // 2
    assert b"[DONE]" not in wire.raw


def test_a_slow_first_token(relay):
    assert exchange(relay, "slow").pieces[0][0] >= 0.29


def test_a_stall_in_mid_stream(relay):
    wire = exchange(relay, "stall")
    assert largest_gap(wire) >= 0.5  # what comes before is read a little late
    assert tokens(wire.events) == TOKENS


def test_a_stall_with_comments(relay):
    wire = exchange(relay, "comments")
    assert wire.events[:3] == [b": OPENROUTER PROCESSING"] * 3
    assert tokens(wire.events) == TOKENS


def test_a_stall_in_a_plain_answer(relay):
    wire = exchange(relay, "stall", stream=False)
    assert largest_gap(wire) >= 0.5
    assert json.loads(wire.rest)["object"] == "chat.completion"


def test_a_stream_cut_cleanly(relay):
    wire = exchange(relay, "truncate")
    assert wire.rest.endswith(b"\r\n0\r\n\r\n")
    assert tokens(wire.events) == TOKENS // 2
    assert b"[DONE]" not in wire.body
    assert b'"finish_reason":"' not in wire.body
    assert not wire.reset


def test_a_plain_answer_cut_short(relay):
    wire = exchange(relay, "truncate", stream=False)
    length = int(wire.head.partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert len(wire.rest) == length // 2
    assert not wire.reset


def test_an_error_event_in_a_stream(relay):
    wire = exchange(relay, "error_event")
    assert wire.head.startswith(b"HTTP/1.1 200 OK")
    assert wire.events[-1].startswith(b'data: {"error":{"message":')
    assert tokens(wire.events) == TOKENS // 2


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_under_status_200(relay, stream):
    wire = exchange(relay, "error_in_200", stream=stream)
    assert wire.head.startswith(b"HTTP/1.1 200 OK")
    assert b"application/json" in wire.head
    assert "error" in json.loads(wire.rest)


@pytest.mark.parametrize("stream", [True, False])
def test_usage_is_missing(relay, stream):
    wire = exchange(relay, "missing_usage", stream=stream)
    assert b'"prompt_tokens"' not in wire.body


def test_malformed_json_in_an_event(relay):
    bad = []
    for event in exchange(relay, "malformed_json").events[:-1]:
        try:
            json.loads(event.removeprefix(b"data: "))
        except json.JSONDecodeError:
            bad.append(event)
    assert len(bad) == 1


def test_malformed_json_as_a_body_of_the_right_length(relay):
    wire = exchange(relay, "malformed_json", stream=False)
    assert b"content-length: %d" % len(wire.rest) in wire.head
    with pytest.raises(json.JSONDecodeError):
        json.loads(wire.rest)


def test_several_events_in_one_packet(relay):
    wire = exchange(relay, "coalesce")
    assert len(wire.pieces) <= 4
    assert tokens(wire.events) == TOKENS


def test_one_event_over_many_packets(relay):
    wire = exchange_until(relay, "fragment", lambda wire: all(len(piece) <= 200 for _, piece in wire.pieces[:4]))
    assert all(len(piece) <= 200 for _, piece in wire.pieces[:4])
    assert len(wire.pieces) > len(wire.events)
    assert tokens(wire.events) == TOKENS


def ends_of(wire: Wire) -> list[int]:
    return [piece[-1] for _, piece in wire.pieces]


@pytest.mark.parametrize("stream", [True, False])
def test_packets_that_meet_inside_a_character(relay, stream):
    wire = exchange_until(relay, "split_utf8", lambda wire: 0xC3 in ends_of(wire), stream=stream)
    ends = ends_of(wire)
    begins = [piece[0] for _, piece in wire.pieces]
    assert ends.count(0xC3) == 1
    assert begins[ends.index(0xC3) + 1] == 0xA9
    assert "café" in wire.body.decode()


def test_lines_that_end_with_carriage_returns(relay):
    body = exchange(relay, "crlf").body
    assert body.count(b"\n") == body.count(b"\r\n")
    assert body.endswith(b"data: [DONE]\r\n\r\n")


def test_a_buffered_stream(relay):
    wire = exchange(relay, "buffered")
    assert wire.pieces[0][0] >= (TOKENS - 1) / 100
    assert tokens(wire.events) == TOKENS


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("model", "by"), [("too_long", 50), ("too_short", -50)])
def test_a_wrong_content_length(relay, model, by, stream):
    wire = exchange(relay, model, stream=stream)
    assert b"transfer-encoding" not in wire.head
    assert b"content-length: %d" % (len(wire.rest) + by) in wire.head


def test_a_duplicated_chunk(relay):
    events = exchange(relay, "duplicate_chunk").events
    assert tokens(events) == TOKENS + 1
    assert sum(left == right for left, right in itertools.pairwise(events)) == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_huge_chunk(relay, stream):
    assert b"x" * 1_000_000 in exchange(relay, "huge_chunk", stream=stream).body


def test_refused_connections_come_and_go(start_relay):
    model = "models: {m: {ttft: {any: 1ms}, speed: 1000/s, output_tokens: {any: 2}}}\n"
    relay = start_relay(model + "faults: [{kind: refuse_connection, from: 0.5s, to: 2.5s}]")
    address = urlsplit(relay.base_url)
    seen: list[bool] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while seen[-2:] != [False, True] and time.monotonic() < deadline_s:
        try:
            with socket.create_connection((address.hostname, address.port), timeout=1):
                answered = True
        except (ConnectionRefusedError, ConnectionResetError):  # the one that waited when the relay stopped listening
            answered = False
        if seen[-1:] != [answered]:
            seen.append(answered)
        time.sleep(0.01)
    assert seen[-3:] in ([True, False, True], [False, True])
