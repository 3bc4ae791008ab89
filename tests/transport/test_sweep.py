import sys
import threading
import time
from functools import partial

import gevent
import pytest
from support import PATIENCE_S, SHORT_S, until

from relayload.core.model.record import Outcome
from relayload.core.stats.histogram import bucket, middle_s
from relayload.core.wire.request import Timeouts
from relayload.transport.stamps import PlainSocket
from relayload.transport.sweep import INTERVAL_S, Sweeper

PATIENT = Timeouts(connect_s=PATIENCE_S, gap_s=PATIENCE_S, total_s=PATIENCE_S)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs epoll")


@pytest.fixture
def pairs():
    """Connected sockets: a sender and its receiver, as many as asked for."""
    made = []

    def new(count):
        with PlainSocket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(count)
            for _ in range(count):
                receiver = PlainSocket()
                receiver.connect(listener.getsockname())
                made.append((listener.accept()[0], receiver))
        return made

    yield new
    for pair in made:
        for sock in pair:
            sock.close()


def test_everything_that_arrived_is_read_in_one_sweep(pairs):
    sweeper, read = Sweeper(), []

    def read_from(number, sock):
        read.append((number, sock.recv(10)))

    for number, (sender, receiver) in enumerate(pairs(3)):
        sweeper.calm.add(receiver.fileno(), partial(read_from, number, receiver))
        if number != 1:
            sender.send(b"x")
    gevent.sleep(10 * INTERVAL_S)
    assert sorted(read) == [(0, b"x"), (2, b"x")]


def test_a_reader_may_remove_another_of_the_same_sweep(pairs):
    sweeper, read = Sweeper(), []
    descriptors = [receiver.fileno() for _, receiver in pairs(2)]

    def read_first(descriptor):
        read.append(descriptor)
        for each in descriptors:
            sweeper.calm.remove(each)

    for descriptor in descriptors:
        sweeper.calm.add(descriptor, partial(read_first, descriptor))
    for sender, _ in pairs(0):
        sender.send(b"x")
    gevent.sleep(10 * INTERVAL_S)
    assert len(read) == 1


def test_a_calm_stream_is_read_in_turns_and_keeps_its_gaps(serve, connect, ask):
    def script(peer):
        while True:
            peer.read_request()
            peer.begin_stream()
            for _ in range(6):
                peer.send_event("a")
                peer.wait_until_heard()
                time.sleep(0.05)
            peer.end_stream()

    server = serve(script)
    transport = connect(server.base_url)
    for _ in range(2):  # the second one on a connection that was read in turns before
        attempt = transport.send(ask(), PATIENT, on_text=server.heard).attempt
        gaps = dict(zip(attempt.chunk_gaps[::2], attempt.chunk_gaps[1::2], strict=True))
        assert (attempt.outcome, attempt.chunks, sum(gaps.values())) == (Outcome.OK, 6, 5)
        assert min(gaps) >= bucket(0.05), [middle_s(gap) for gap in gaps]
        assert 5 * 0.05 <= attempt.last_token_s - attempt.ttft_s <= attempt.service_s - attempt.ttft_s - 0.05
    assert server.connections == 1


@pytest.mark.parametrize(("end", "error"), [("wait_for_close", "gap_timeout"), ("reset", "reset")])
def test_a_calm_stream_that_does_not_end_well_is_told(serve, connect, ask, end, error):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        for _ in range(3):
            peer.send_event("a")
            time.sleep(0.05)
        getattr(peer, end)()

    server = serve(script)
    attempt = connect(server.base_url).send(ask(), Timeouts(gap_s=SHORT_S)).attempt
    assert (attempt.error, attempt.chunks) == (error, 3)
    assert server.closed.acquire(timeout=PATIENCE_S)


def test_closing_waits_for_a_calm_stream(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        for _ in range(3):
            peer.send_event("a")
            peer.wait_until_heard()
            time.sleep(0.05)
        calm.set()
        assert closed.wait(PATIENCE_S)
        peer.send_event("a")
        peer.end_stream()

    calm, closed = threading.Event(), threading.Event()
    server = serve(script)
    transport = connect(server.base_url)
    sending = gevent.spawn(transport.send, ask(), PATIENT, on_text=server.heard)
    until(calm.is_set)
    transport.close()
    closed.set()
    assert sending.get().attempt.outcome is Outcome.OK
