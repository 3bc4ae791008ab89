"""What takes time: deadlines, early answers, big requests, and being killed."""

import gc
import threading
import time

import gevent
import pytest
from support import PATIENCE_S, PATIENT, SHORT_S, until

from relayload import clock
from relayload.core.model.record import Outcome
from relayload.core.wire.request import Timeouts

MEGABYTE = 1_000_000


def silent(peer):
    peer.read_request()
    peer.wait_for_close()


@pytest.mark.parametrize(
    ("timeouts", "stream", "error"),
    [
        (Timeouts(total_s=0.05), True, "total_timeout"),
        (Timeouts(total_s=0.05), False, "total_timeout"),
        (Timeouts(first_token_s=0.05), True, "first_token_timeout"),
        (Timeouts(first_token_s=0.05, total_s=0.1), False, "total_timeout"),
        (Timeouts(gap_s=0.01, first_token_s=0.05), True, "first_token_timeout"),
        (Timeouts(first_token_s=0.05, total_s=None), True, "first_token_timeout"),
    ],
)
def test_silence_times_out(serve, connect, ask, timeouts, stream, error):
    server = serve(silent)
    attempt = connect(server.base_url).send(ask(stream=stream), timeouts).attempt

    assert (attempt.outcome, attempt.error, attempt.status) == (Outcome.TIMED_OUT, error, None)
    assert server.closed.acquire(timeout=PATIENCE_S)


def test_a_header_is_no_token(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_chunk(b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n')
        peer.wait_for_close()

    attempt = connect(serve(script).base_url).send(ask(), Timeouts(first_token_s=SHORT_S)).attempt
    assert (attempt.error, attempt.status) == ("first_token_timeout", 200)


def test_comments_do_not_reset_the_gap(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        while True:  # until the client is gone
            peer.send_chunk(b": keep-alive\n\n")
            time.sleep(0.01)

    attempt = connect(serve(script).base_url).send(ask(), Timeouts(gap_s=0.1)).attempt

    assert (attempt.outcome, attempt.error) == (Outcome.TIMED_OUT, "gap_timeout")
    assert (attempt.chunks, attempt.output_tokens, attempt.counted) == (1, 1, True)


def test_each_token_resets_the_gap(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        for _ in range(6):
            peer.send_event("a")
            time.sleep(SHORT_S / 4)
        peer.end_stream()

    attempt = connect(serve(script).base_url).send(ask(), Timeouts(gap_s=SHORT_S)).attempt
    assert (attempt.outcome, attempt.chunks) == (Outcome.OK, 6)
    assert attempt.service_s > SHORT_S


def test_after_the_finish_there_is_no_gap(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        # In one write, so that there can't be a gap between the token and the finish.
        peer.send_chunk(
            b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
            b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
        )
        time.sleep(0.2)
        peer.send_chunk(b"")

    attempt = connect(serve(script).base_url).send(ask(), Timeouts(gap_s=0.05)).attempt
    assert attempt.outcome is Outcome.OK


def test_tokens_that_nobody_had_time_to_read_are_not_late(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        time.sleep(0.05)
        peer.send_event("b")
        peer.end_stream()
        sent.set()

    sent = threading.Event()
    server = serve(script)
    sending = gevent.spawn(connect(server.base_url).send, ask(), Timeouts(first_token_s=SHORT_S, gap_s=SHORT_S))
    until(lambda: bool(server.requests))
    assert sent.wait(PATIENCE_S)
    time.sleep(SHORT_S)  # the generator itself is held up, past every deadline
    held_until_s = clock.now_s()
    attempt = sending.get().attempt

    assert (attempt.outcome, attempt.error) == (Outcome.OK, None)
    assert attempt.sent_at_s + attempt.ttft_s < held_until_s - SHORT_S


@pytest.mark.parametrize("end", ["reset", "hang", "garbage"])
def test_after_done_the_end_of_the_body_does_not_matter(serve, connect, ask, end):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.send_chunk(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
        peer.send_chunk(b"data: [DONE]\n\n")
        time.sleep(0.05)
        if end == "reset":
            peer.reset()
        elif end == "garbage":
            peer.send(b"no chunk")
        peer.wait_for_close()

    server = serve(script)
    attempt = connect(server.base_url).send(ask(), PATIENT).attempt

    assert (attempt.outcome, attempt.error, attempt.chunks) == (Outcome.OK, None, 1)
    assert server.closed.acquire(timeout=PATIENCE_S)


def test_a_killed_request_closes_its_connection(serve, connect, ask):
    server = serve(silent)
    sending = gevent.spawn(connect(server.base_url).send, ask(), PATIENT)
    until(lambda: bool(server.requests))
    sending.kill()

    assert isinstance(sending.value, gevent.GreenletExit)
    assert server.closed.acquire(timeout=PATIENCE_S)


def test_a_big_prompt_arrives_whole_and_is_timed_from_its_first_byte(serve, connect, ask):
    def script(peer):
        request = peer.read_request()
        assert len(request.body) > MEGABYTE
        peer.begin_stream()
        peer.send_event("a")
        peer.end_stream()

    server = serve(script)
    prompt = "x" * MEGABYTE
    attempt = connect(server.base_url).send(ask(prompt), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    assert server.requests[0].body.count(b"x" * MEGABYTE) == 1
    assert attempt.sent_bytes == len(server.requests[0].head) + 4 + len(server.requests[0].body)
    assert attempt.ttft_s >= attempt.send_s > 0


def test_a_prompt_that_nobody_reads_times_out_and_stalls_nobody(serve, connect, ask):
    over = threading.Event()

    def script(peer):
        if peer.number == 0:
            over.wait(PATIENCE_S)
        else:
            peer.read_request()
            peer.answer()

    server = serve(script)
    transport = connect(server.base_url)
    stuck = gevent.spawn(transport.send, ask("x" * 20 * MEGABYTE), Timeouts(total_s=3 * SHORT_S))
    until(lambda: server.connections == 1)
    quick = transport.send(ask(stream=False), PATIENT).attempt

    assert quick.outcome is Outcome.OK
    assert not stuck.dead
    attempt = stuck.get().attempt
    over.set()
    assert (attempt.error, attempt.send_s) == ("total_timeout", None)
    assert 0 < attempt.sent_bytes < 20 * MEGABYTE


def test_an_answer_before_the_request_is_sent_counts_and_ends_the_connection(serve, connect, ask):
    def script(peer):
        peer.answer(b'{"error":{"message":"too big"}}', "413 Content Too Large")
        peer.wait_for_close()

    server = serve(script)
    attempt = connect(server.base_url).send(ask("x" * 20 * MEGABYTE), PATIENT).attempt

    assert (attempt.outcome, attempt.error) == (Outcome.REJECTED, "http_413")
    assert server.closed.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize("size", [5_000, 100_000])
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_counts_even_if_the_relay_hangs_up_on_the_rest_of_the_request(serve, connect, ask, size, stream):
    def script(peer):
        peer.sock.recv(1000)
        time.sleep(0.02)
        peer.answer(b'{"error":{"message":"%b"}}' % (b"x" * size), "413 Content Too Large")  # and a reset

    answer = connect(serve(script).base_url).send(ask("x" * 8 * MEGABYTE, stream=stream), PATIENT)

    assert (answer.attempt.outcome, answer.attempt.error) == (Outcome.REJECTED, "http_413")
    assert answer.fault.message.startswith("x" * 400)


def test_a_part_of_an_answer_with_a_reset_is_none(serve, connect, ask):
    def script(peer):
        peer.sock.recv(1000)
        time.sleep(0.02)
        peer.send(b"HTTP/1.1 413 Content Too Large\r\n\r\n" + b"x" * 100_000)  # as long as the connection, and a reset

    attempt = connect(serve(script).base_url).send(ask("x" * 8 * MEGABYTE), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.BROKEN_STREAM, "reset")


def test_streams_at_once_keep_their_own_times(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        for _ in range(20):
            peer.send_event("a")
            time.sleep(0.005)
        peer.end_stream()

    transport = connect(serve(script).base_url)
    sending = [gevent.spawn(transport.send, ask(), PATIENT) for _ in range(20)]
    attempts = [greenlet.get().attempt for greenlet in sending]

    assert [attempt.chunks for attempt in attempts] == [20] * 20
    assert [sum(attempt.chunk_gaps[1::2]) for attempt in attempts] == [19] * 20


def test_a_bug_of_ours_is_raised_where_the_request_was_made(serve, connect, ask, monkeypatch):
    def broken(*_args: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("relayload.transport.exchange.TokenStream.feed", broken)

    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.wait_for_close()

    with pytest.raises(KeyError, match="bug"):
        connect(serve(script).base_url).send(ask(), PATIENT)


def test_a_bug_at_the_end_of_a_stream_is_raised_where_the_request_was_made(serve, connect, ask):
    def broken(_text: str) -> None:
        raise KeyError("bug")

    def script(peer):
        peer.read_request()
        peer.send(b'HTTP/1.1 200 OK\r\n\r\ndata: {"choices":[{"delta":{"content":"a"}}]}')  # and no empty line

    with pytest.raises(KeyError, match="bug"):
        connect(serve(script).base_url).send(ask(), PATIENT, on_text=broken)


def test_requests_leave_nothing_for_the_garbage_collector(serve, connect, ask):
    def script(peer):
        while True:
            peer.read_request()
            peer.begin_stream()
            peer.send_event("a")
            peer.end_stream()

    transport = connect(serve(script).base_url)
    transport.send(ask(), PATIENT)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            transport.send(ask(), PATIENT)
        assert gc.collect() < 20
    finally:
        gc.enable()
