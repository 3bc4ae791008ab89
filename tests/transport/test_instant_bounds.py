"""How early tokens may have arrived, where segments waited unread and were merged."""

import struct
import sys
import threading
import time

import gevent
import pytest
from certificates import Certificates
from support import PATIENCE_S, until

from relayload import clock
from relayload.core.stats.histogram import bucket
from relayload.core.wire.request import Timeouts
from relayload.transport.connection import Connection
from relayload.transport.stamps import ArrivalClock, PlainSocket
from relayload.transport.sweep import Sweeper

PATIENT = Timeouts(connect_s=PATIENCE_S, gap_s=PATIENCE_S, total_s=PATIENCE_S)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not stamp TCP")


class Wire:
    """A connection whose reads and polls are scripted; instants are seconds on both clocks."""

    def __init__(self, monkeypatch):
        self.now_s = 0.0
        self.arrivals = ArrivalClock()
        monkeypatch.setattr(clock, "now_s", lambda: self.now_s)
        monkeypatch.setattr(clock, "wall_ns", lambda: round(self.now_s * 1e9))
        self.arrivals._measure_offset()
        self.sweeper = Sweeper()
        self.sock = PlainSocket()
        self.connection = Connection(self.sock, self.arrivals)
        self.connection.receiver = self  # type: ignore[assignment]
        self.connection.read_bytes = 512

    def received(self, data, at_s):
        self.last = at_s

    def begin(self, at_s):
        self.connection.watch(self.sweeper)
        self.connection._behind = 0
        self.connection.last_at_s = at_s

    def poll(self, at_s):
        """A poll at this instant that reported nothing of this connection."""
        self.sweeper.waiting.empty_at_s = self.sweeper.calm.empty_at_s = at_s

    def read(self, stamp_s, size=100):
        self.now_s = max(self.now_s, stamp_s + 1e-3)
        stamp = struct.pack("@ll", *divmod(round(stamp_s * 1e9), 1_000_000_000))
        self.connection._recvmsg = lambda *_: (b"x" * size, [(1, 35, stamp)], 0, None)
        self.connection._read()
        return round(self.connection.earliest_s, 6), round(self.connection.last_at_s, 6), self.connection.drained

    def close(self):
        self.connection.close()
        self.arrivals.close()


@pytest.fixture
def wire(monkeypatch):
    scripted = Wire(monkeypatch)
    yield scripted
    scripted.close()


def test_nothing_arrives_before_it_is_asked_for(wire):
    wire.poll(0.9)
    wire.begin(1.0)
    assert wire.read(1.5) == (1.0, 1.5, True)


def test_what_a_poll_did_not_find_arrived_after_it(wire):
    wire.begin(1.0)
    wire.poll(1.2)
    wire.poll(1.4)
    assert wire.read(1.5) == (1.4, 1.5, True)


def test_what_follows_a_read_that_left_nothing_arrived_after_its_stamp(wire):
    wire.begin(1.0)
    wire.poll(1.2)
    wire.read(1.5)
    assert wire.read(1.8) == (1.5, 1.8, True)
    wire.poll(1.9)
    assert wire.read(2.0) == (1.9, 2.0, True)


def test_what_a_read_left_behind_may_be_as_old_as_what_it_took(wire):
    wire.begin(1.0)
    wire.poll(1.4)
    assert wire.read(1.5, size=512) == (1.4, 1.5, False)
    wire.poll(1.6)  # it was found, but not all of it was read
    assert wire.read(1.7, size=512) == (1.4, 1.7, False)
    wire.poll(1.8)
    assert wire.read(1.9) == (1.4, 1.9, True)
    wire.poll(1.95)
    assert wire.read(2.0) == (1.95, 2.0, True)


def test_the_last_poll_still_counts_once_nobody_polls_any_more(wire):
    wire.begin(1.0)
    wire.poll(1.4)
    wire.read(1.5)
    wire.connection.read_at_once()
    assert wire.connection.earliest_s == 1.4
    assert wire.read(1.7)[0] == 1.5


def test_a_new_request_knows_nothing_of_what_was_left_before(wire):
    wire.begin(1.0)
    wire.read(1.5, size=512)
    wire.connection.read_at_once()
    wire.begin(3.0)
    assert wire.read(3.5) == (3.0, 3.5, True)


@pytest.fixture(params=["plain", "TLS"])
def start(request, serve, connect, certificates: Certificates):
    """Start a server with this script, and return it with a transport to it."""

    def new(script):
        if request.param == "plain":
            server = serve(script)
            return server, connect(server.base_url)
        server = serve(script, certificates.server_context())
        return server, connect(server.base_url, ca_file=certificates.authority)

    return new


def held_up(start, ask, tokens):
    """Send a request to a server that sends `tokens` while the generator does nothing; the attempt, and the instants
    between which each token was sent."""
    instants: list[tuple[float, float]] = []

    def script(peer):
        peer.read_request()
        peer.begin_stream()
        assert held.wait(PATIENCE_S)
        for number in range(tokens):
            before_s = clock.now_s()
            peer.send_event(f"{number}" * 100)
            instants.append((before_s, clock.now_s()))
            time.sleep(0.02)
        sent.set()
        assert read.wait(PATIENCE_S)
        peer.end_stream()

    held, sent, read = threading.Event(), threading.Event(), threading.Event()
    server, transport = start(script)
    sending = gevent.spawn(transport.send, ask(), PATIENT, on_text=lambda _: read.set())
    until(lambda: bool(server.requests))
    gevent.sleep(0.05)
    held.set()
    assert sent.wait(PATIENCE_S)
    return sending.get().attempt, instants


def test_a_first_token_that_waited_together_with_others_lies_within_its_bounds(start, ask):
    attempt, instants = held_up(start, ask, 5)
    latest_s = attempt.sent_at_s + attempt.ttft_s
    (before_s, after_s), *_ = instants
    assert latest_s - attempt.ttft_error_s <= after_s
    assert before_s <= latest_s
    assert attempt.ttfo_error_s == attempt.ttft_error_s


def test_gaps_between_chunks_that_waited_together_tell_how_far_they_may_be_off(start, ask):
    attempt, instants = held_up(start, ask, 5)
    errors = attempt.gap_errors
    merged = dict(zip(attempt.chunk_gaps[::2], attempt.chunk_gaps[1::2], strict=True)).get(0, 0)
    assert merged == 0 or (errors.reads >= 1 and errors.most_s >= instants[merged][0] - instants[0][1])


def test_a_token_that_waited_alone_has_no_error(start, ask):
    attempt, ((before_s, _),) = held_up(start, ask, 1)
    assert (attempt.chunks, attempt.ttft_error_s, attempt.last_token_error_s, attempt.gap_errors) == (1, 0.0, 0.0, None)
    assert before_s <= attempt.sent_at_s + attempt.ttft_s <= before_s + 0.02


def test_what_comes_with_the_first_token_makes_it_uncertain_even_if_it_is_no_token(serve, connect, ask):
    def script(peer):
        peer.read_request()
        time.sleep(0.05)
        peer.begin_stream()
        peer.send_event("a")
        peer.end_stream()

    attempt = connect(serve(script).base_url).send(ask(), PATIENT).attempt
    assert attempt.ttft_error_s <= attempt.ttft_s - 0.04
    assert attempt.gap_errors is None or attempt.chunk_gaps == ()


def test_the_end_of_a_chunk_that_comes_later_than_its_data_is_no_longer_trusted(serve, connect, ask):
    def script(peer):
        for apart in (True, False):
            peer.read_request()
            peer.begin_stream()
            time.sleep(0.02)
            event = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
            peer.send(b"%x\r\n%b" % (len(event), event))
            if apart:
                peer.wait_until_heard()
            peer.send(b"\r\n")
            peer.wait_until_heard(not apart)
            peer.end_stream()

    server = serve(script)
    transport = connect(server.base_url)
    for _ in range(2):
        assert transport.send(ask(), PATIENT, on_text=server.heard).attempt.ttft_error_s < 0.01
    assert transport._arrivals.line_ends_apart


def test_gaps_of_tokens_that_were_read_one_by_one_are_exact(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        for _ in range(6):
            peer.send_event("a")
            peer.wait_until_heard()
            time.sleep(0.01)
        peer.end_stream()

    server = serve(script)
    attempt = connect(server.base_url).send(ask(), PATIENT, on_text=server.heard).attempt
    assert (attempt.ttft_error_s, attempt.ttfo_error_s, attempt.last_token_error_s) == (0.0, 0.0, 0.0)
    assert attempt.gap_errors is None
    assert min(attempt.chunk_gaps[::2]) >= bucket(0.01)
