import threading
import time

import gevent
import pytest
from support import PATIENCE_S, PATIENT, until

from relayload.core.model.record import Outcome
from relayload.core.wire.request import Timeouts


def keep_answering(peer):
    while True:
        peer.read_request()
        peer.answer()


@pytest.fixture(params=["plain", "TLS"])
def context(request, certificates):
    """Of a server that speaks the one or the other."""
    return certificates.server_context() if request.param == "TLS" else None


def test_a_connection_is_used_again(serve, connect, ask):
    server = serve(keep_answering)
    transport = connect(server.base_url)
    attempts = [transport.send(ask(stream=False), PATIENT).attempt for _ in range(3)]

    assert server.connections == 1
    assert [attempt.connect_s is None for attempt in attempts] == [False, True, True]


def test_a_connection_the_relay_gives_up_is_not_used_again(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.answer(headers="connection: close\r\n")
        peer.wait_for_close()

    server = serve(script)
    transport = connect(server.base_url)
    attempts = [transport.send(ask(stream=False), PATIENT).attempt for _ in range(2)]

    assert [attempt.outcome for attempt in attempts] == [Outcome.OK, Outcome.OK]
    assert server.connections == 2


def test_an_idle_connection_that_was_closed_is_not_used_again(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.answer()

    server = serve(script)
    transport = connect(server.base_url)
    for _ in range(3):
        attempt = transport.send(ask(stream=False), PATIENT).attempt
        assert server.closed.acquire(timeout=PATIENCE_S)
        gevent.sleep(0.01)  # the loop sees the end of the connection
        assert (attempt.outcome, attempt.connect_s is None) == (Outcome.OK, False)


def test_a_connection_closed_just_then_is_replaced_in_silence(serve, connect, ask, context):
    def script(peer):
        peer.read_request()
        peer.answer()

    server = serve(script, context)
    transport = connect(server.base_url, verify=False)
    transport.send(ask(stream=False), PATIENT)
    assert server.closed.acquire(timeout=PATIENCE_S)  # closed, but the loop has had no time to see it
    attempt = transport.send(ask(stream=False), PATIENT).attempt

    assert (attempt.outcome, attempt.connect_s is None) == (Outcome.OK, False)
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_request_that_the_relay_read_is_not_repeated(serve, connect, ask, context):
    def script(peer):
        peer.read_request()
        peer.answer()
        peer.read_request()
        time.sleep(0.1)  # time enough for the kernel to acknowledge it
        peer.reset()

    server = serve(script, context)
    transport = connect(server.base_url, verify=False)
    transport.send(ask(stream=False), PATIENT)
    attempt = transport.send(ask(stream=False), PATIENT).attempt

    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "reset_unanswered")
    assert (server.connections, len(server.requests)) == (1, 2)


def test_bytes_nobody_asked_for_end_an_idle_connection(serve, connect, ask):
    sent = threading.Event()

    def script(peer):
        peer.read_request()
        peer.answer()
        peer.send(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
        sent.set()
        peer.wait_for_close()

    server = serve(script)
    transport = connect(server.base_url)
    transport.send(ask(stream=False), PATIENT)
    assert sent.wait(PATIENCE_S)
    gevent.sleep(0.01)
    attempt = transport.send(ask(stream=False), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    assert server.connections == 2


def test_more_requests_than_connections_wait_their_turn(serve, connect, ask):
    server = serve(keep_answering)
    transport = connect(server.base_url, max_connections=2)
    sending = [gevent.spawn(transport.send, ask(stream=False), PATIENT) for _ in range(6)]
    attempts = [greenlet.get().attempt for greenlet in sending]

    assert {attempt.outcome for attempt in attempts} == {Outcome.OK}
    assert server.connections == 2
    assert [attempt.blocked_s > 0 for attempt in attempts].count(True) >= 4


def test_waiting_for_a_connection_has_an_end(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.wait_for_close()

    transport = connect(serve(script).base_url, max_connections=1)
    first = gevent.spawn(transport.send, ask(), Timeouts(total_s=0.5))
    gevent.sleep(0.01)
    second = transport.send(ask(), Timeouts(total_s=0.05)).attempt

    assert (second.outcome, second.error, second.sent_at_s) == (Outcome.TIMED_OUT, "total_timeout", None)
    assert first.get().attempt.error == "total_timeout"


def test_a_failed_connection_frees_its_place(connect, ask):
    transport = connect("http://127.0.0.1:1/v1", max_connections=1)
    for _ in range(3):
        assert transport.send(ask(), PATIENT).attempt.error == "connect"


def test_closing_closes_idle_connections_now_and_the_others_when_done(serve, connect, ask):
    def script(peer):
        while True:
            peer.read_request()
            if len(server.requests) > 1:
                assert closed.wait(PATIENCE_S)
            peer.answer()

    closed = threading.Event()
    server = serve(script)
    transport = connect(server.base_url)
    transport.send(ask(stream=False), PATIENT)
    busy = [gevent.spawn(transport.send, ask(stream=False), PATIENT) for _ in range(2)]
    until(lambda: len(server.requests) == 3)
    transport.close()
    closed.set()

    assert [greenlet.get().attempt.outcome for greenlet in busy] == [Outcome.OK, Outcome.OK]
    for _ in range(server.connections):
        assert server.closed.acquire(timeout=PATIENCE_S)
