"""The driver against a server of raw bytes: what comes of every kind of answer."""

import gc
import gzip
import json
import logging
import sys
import time
import zlib

import pytest
from support import PATIENT

from relayload.core.errors import AuthorError
from relayload.core.model.record import Outcome
from relayload.core.wire.request import RelayFault
from relayload.core.wire.response_limits import ResponseLimits
from relayload.transport.native import NativeTransport

TOKEN = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
ENDED = FINISH + DONE
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


def once(*writes):
    """A script: read a request, write this, close."""

    def script(peer):
        peer.read_request()
        for write in writes:
            peer.send(write)

    return script


def test_a_plain_answer_is_read_whole(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.answer(headers="x-request-id: req-9\r\n")

    answer = connect(serve(script).base_url).send(ask(stream=False), PATIENT, keep_text=True)

    attempt = answer.attempt
    assert (attempt.outcome, attempt.error, attempt.status) == (Outcome.OK, None, 200)
    assert (attempt.input_tokens, attempt.cached_input_tokens) == (7, 3)
    assert (attempt.output_tokens, attempt.reasoning_tokens, attempt.counted) == (2, 1, False)
    assert (attempt.finish_reason, attempt.request_id, answer.text) == ("stop", "req-9", "hello")
    assert (attempt.ttft_s, attempt.chunks) == (None, 0)
    assert attempt.service_s == pytest.approx(attempt.send_s + attempt.waiting_s + attempt.receive_s)


def test_a_stream_is_timed_and_counted(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_chunk(b'data: {"id":"c1","choices":[{"delta":{"role":"assistant","content":""}}]}\n\n')
        for word in ("one", " two", " three"):
            peer.send_event(word)
        peer.send_chunk(b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":4}}\n\n')
        peer.end_stream()

    answer = connect(serve(script).base_url).send(ask(), PATIENT, keep_text=True)

    attempt = answer.attempt
    assert (attempt.outcome, attempt.chunks, attempt.output_tokens, attempt.counted) == (Outcome.OK, 3, 4, False)
    assert sum(attempt.chunk_gaps[1::2]) == 2
    assert (answer.text, attempt.request_id) == ("one two three", "c1")
    assert 0 < attempt.ttft_s == attempt.ttfo_s <= attempt.service_s


def test_the_request_says_what_it_should(serve, connect, ask):
    server = serve(once(STREAM_HEAD + b"\r\n" + DONE))
    transport = connect(server.base_url, headers={"X-Team": "a", "User-Agent": "me"})

    attempt = transport.send(ask("grüß", headers={"x-tenant": "t"}), PATIENT).attempt

    (received,) = server.requests
    assert received.head.splitlines()[0] == "POST /v1/chat/completions HTTP/1.1"
    assert received.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "me",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "authorization": "Bearer sk-test",
        "x-team": "a",
        "x-tenant": "t",
        "content-length": str(len(received.body)),
    }
    assert json.loads(received.body) == ask("grüß").body
    assert attempt.sent_bytes == len(received.head) + 4 + len(received.body)


def test_a_header_cannot_smuggle_another(serve, connect, ask):
    transport = connect("http://127.0.0.1:1/v1")
    with pytest.raises(ValueError, match="line end"):
        transport.send(ask(headers={"x-a": "1\r\nx-b: 2"}), PATIENT)


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
@pytest.mark.parametrize("stream", [True, False])
def test_an_error_status_is_an_outcome(serve, connect, ask, status, outcome, stream):
    def script(peer):
        peer.read_request()
        peer.answer(b'{"error":{"message":"no","type":"t","code":7}}', status, "Retry-After: 3\r\n")

    answer = connect(serve(script).base_url).send(ask(stream=stream), PATIENT)

    assert (answer.attempt.outcome, answer.attempt.error) == (outcome, f"http_{status[:3]}")
    assert answer.fault == RelayFault("no", "t", "7")
    assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"message":"no such\\n model","type":"t"}}', "no such model"),
        (b"<html>\x1b[2J Bad Gateway</html>", "[2J Bad Gateway"),
        (b'{"error":{"message":"wrong key: sk-test"}}', "wrong key: ***"),
        (b'{"error":{"message":"' + b"x" * 900 + b'"}}', "x" * 200),
        (b"", None),
    ],
)
def test_what_the_relay_says_of_an_error_is_on_record(serve, connect, ask, body, said):
    def script(peer):
        peer.read_request()
        peer.answer(body, "400 Bad Request")

    assert connect(serve(script).base_url).send(ask(), PATIENT).attempt.relay_message == said


CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "outcome", "error"),
    [
        (b"", Outcome.UNREACHABLE, "closed_unanswered"),
        (b"HTTP/1.1 200 O", Outcome.BROKEN_STREAM, "truncated"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Outcome.BROKEN_STREAM, "not_http"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: h2\r\n\r\n", Outcome.BROKEN_STREAM, "not_http"),
        (STREAM_HEAD + b"\r\n" + TOKEN + ENDED, Outcome.OK, None),
        (STREAM_HEAD + b"\r\n" + TOKEN + DONE, Outcome.BROKEN_STREAM, "no_finish"),
        (STREAM_HEAD + b"\r\n" + DONE, Outcome.SERVER_ERROR, "no_output"),
        (STREAM_HEAD + b"\r\n" + TOKEN + FINISH, Outcome.OK, None),
        (STREAM_HEAD + b"\r\n" + TOKEN, Outcome.BROKEN_STREAM, "no_finish"),
        (STREAM_HEAD + b"\r\n", Outcome.BROKEN_STREAM, "no_finish"),
        (STREAM_HEAD + b"content-length: 0\r\n\r\n", Outcome.BROKEN_STREAM, "no_finish"),
        (STREAM_HEAD + CHUNKED + b"5\r\ndata:\r\n", Outcome.BROKEN_STREAM, "truncated"),
        (STREAM_HEAD + CHUNKED + b"zz\r\n", Outcome.BROKEN_STREAM, "not_http"),
        (STREAM_HEAD + b"content-length: 1000\r\n\r\n" + TOKEN + FINISH, Outcome.BROKEN_STREAM, "truncated"),
        (STREAM_HEAD + b"\r\ndata: {\n\n" + DONE, Outcome.BROKEN_STREAM, "malformed_event"),
        (STREAM_HEAD + b'\r\n' + TOKEN + b'data: {"error":{"code":"500"}}\n\n', Outcome.SERVER_ERROR, "error_event"),
        (STREAM_HEAD + b'\r\n' + TOKEN + b'data: {"error":{"code":429}}\n\n', Outcome.RATE_LIMITED, "error_event"),
        (STREAM_HEAD + b'\r\ndata: {"error":{"code":"invalid"}}\n\n' + DONE, Outcome.SERVER_ERROR, "error_event"),
        (STREAM_HEAD + b"content-encoding: br\r\n\r\nxx", Outcome.BROKEN_STREAM, "encoding"),
        (STREAM_HEAD + b"content-encoding: gzip\r\n\r\nxx", Outcome.BROKEN_STREAM, "encoding"),
    ],
)  # fmt: skip
def test_whatever_a_stream_is_answered_with_is_an_outcome(serve, connect, ask, response, outcome, error):
    attempt = connect(serve(once(response)).base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (outcome, error)


@pytest.mark.parametrize(
    ("status", "outcome"), [(b"429 Slow", Outcome.RATE_LIMITED), (b"503 Busy", Outcome.SERVER_ERROR)]
)
@pytest.mark.parametrize("encoding", [b"gzip", b"br"])
def test_an_error_nobody_can_decode_is_what_its_status_says(serve, connect, ask, status, outcome, encoding):
    response = b"HTTP/1.1 %b\r\ncontent-encoding: %b\r\n\r\n<html>" % (status, encoding)
    attempt = connect(serve(once(response)).base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error, attempt.status) == (outcome, "encoding", int(status[:3]))


JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "stream", "outcome", "error"),
    [
        (b'{"error":{"message":"m"}}', False, Outcome.SERVER_ERROR, "error_body"),
        (b'{"error":{"message":"m","code":"404"}}', True, Outcome.REJECTED, "error_body"),
        (b'{"error":"m"}', True, Outcome.SERVER_ERROR, "error_body"),
        (b'{"code":-1,"msg":"Too many requests"}', False, Outcome.SERVER_ERROR, "no_choices"),
        (b'{"choices":[]}', False, Outcome.SERVER_ERROR, "no_choices"),
        (b'{"choices":[{"message":{"content":"x"', False, Outcome.BROKEN_STREAM, "malformed_body"),
        (b"<html>", False, Outcome.BROKEN_STREAM, "malformed_body"),
        (b"", False, Outcome.BROKEN_STREAM, "malformed_body"),
        (b'{"choices":[{"message":{"content":"x"}}]}', True, Outcome.BROKEN_STREAM, "not_a_stream"),
    ],
)
def test_status_200_does_not_make_an_answer(serve, connect, ask, body, stream, outcome, error):
    attempt = connect(serve(once(JSON_HEAD + body)).base_url).send(ask(stream=stream), PATIENT).attempt
    assert (attempt.status, attempt.outcome, attempt.error) == (200, outcome, error)


@pytest.mark.parametrize("label", ["application/json", "text/plain", "text/html"])
def test_a_stream_with_another_label_is_timed_as_it_arrives(serve, connect, ask, label):
    def script(peer):
        peer.read_request()
        peer.send(f"HTTP/1.1 200 OK\r\ncontent-type: {label}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for byte in b"\r\ndata":
            peer.send_chunk(bytes([byte]))
        peer.send_chunk(TOKEN.removeprefix(b"data"))
        peer.wait_until_heard()
        time.sleep(0.1)
        peer.end_stream()

    server = serve(script)
    attempt = connect(server.base_url).send(ask(), PATIENT, on_text=server.heard).attempt

    assert (attempt.outcome, attempt.chunks) == (Outcome.OK, 1)
    assert attempt.service_s - attempt.ttft_s >= 0.1


@pytest.mark.parametrize("blank", [b"x-request-id: \r\n", b"x-request-id: \r\nx-request-id:\r\n"])
def test_a_blank_header_is_no_request_id(serve, connect, ask, blank):
    head = STREAM_HEAD + blank + b"x-generation-id: g1\r\n\r\n"
    assert connect(serve(once(head + TOKEN + ENDED)).base_url).send(ask(), PATIENT).attempt.request_id == "g1"


def test_a_reset_in_the_middle_is_a_broken_stream_with_what_there_was(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.send_event("b")
        peer.wait_until_heard(2)  # before the reset throws it away
        peer.reset()

    server = serve(script)
    attempt = connect(server.base_url).send(ask(), PATIENT, on_text=server.heard).attempt

    assert (attempt.outcome, attempt.error, attempt.status) == (Outcome.BROKEN_STREAM, "reset", 200)
    assert (attempt.chunks, attempt.output_tokens, attempt.counted) == (2, 2, True)
    assert attempt.ttft_s is not None
    assert attempt.service_s is None


@pytest.mark.parametrize(("held_s", "flagged"), [(0.03, True), (0.0, False)])
def test_a_stream_that_comes_all_at_once_is_flagged_unless_it_took_no_time(serve, connect, ask, held_s, flagged):
    def script(peer):
        peer.read_request()
        time.sleep(held_s)
        peer.send(STREAM_HEAD + b"\r\n" + 11 * TOKEN + ENDED)

    attempt = connect(serve(script).base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.chunks) == (Outcome.OK, 11)
    assert attempt.buffered is (flagged or attempt.service_s >= 0.02)  # a busy machine may take as long by itself


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (b"gzip", gzip.compress(5 * TOKEN + ENDED, mtime=0)),
        (b"GZIP", gzip.compress(5 * TOKEN + ENDED, mtime=0)),
        (b"deflate", zlib.compress(5 * TOKEN + ENDED)),
        (b"identity", 5 * TOKEN + ENDED),
    ],
)
def test_a_relay_may_insist_on_compressing(serve, connect, ask, encoding, data):
    head = STREAM_HEAD + b"content-encoding: %b\r\n\r\n" % encoding
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    attempt = connect(serve(once(head, *pieces)).base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.chunks) == (Outcome.OK, 5)


def test_interim_responses_are_passed_over(serve, connect, ask):
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-request-id: early\r\n\r\n"
    response = STREAM_HEAD + b"x-request-id: real\r\n\r\n" + TOKEN + ENDED
    attempt = connect(serve(once(hints, response)).base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.status, attempt.request_id) == (Outcome.OK, 200, "real")


@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_answer_in_tiny_pieces_is_the_same_answer(serve, connect, ask, size):
    data = STREAM_HEAD + CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(x), x) for x in (TOKEN, TOKEN, ENDED)) + b"0\r\n\r\n"
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    attempt = connect(serve(once(*pieces)).base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.chunks, attempt.received_bytes) == (Outcome.OK, 2, len(data))


def test_events_of_a_megabyte_are_read(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        for _ in range(3):
            peer.send_event("x" * 1_000_000)
        peer.end_stream()

    answer = connect(serve(script).base_url).send(ask(), PATIENT, keep_text=True)

    assert (answer.attempt.outcome, answer.attempt.chunks, len(answer.text)) == (Outcome.OK, 3, 3_000_000)


def test_nobody_listening_is_unreachable(connect, ask):
    attempt = connect("http://127.0.0.1:1/v1").send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error, attempt.sent_at_s) == (Outcome.UNREACHABLE, "connect", None)


@pytest.mark.parametrize(
    "base_url",
    ["", "relay.example/v1", "ftp://relay/v1", "http://", "http://a:b/v1", "http://k:s@a/v1", "http://[::1/v1"],
)
def test_a_base_url_that_cannot_be_used_is_the_authors_fault(base_url):
    with pytest.raises(AuthorError, match="base_url"):
        NativeTransport(base_url, "sk-test")


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not stamp TCP")
def test_kernel_timestamps_are_told(serve, connect, ask):
    transport = connect(serve(once(STREAM_HEAD + b"\r\n" + DONE)).base_url)
    transport.send(ask(), PATIENT)
    assert transport.kernel_timestamps is True


def test_the_key_is_in_no_log(serve, connect, ask, caplog):
    caplog.set_level(logging.DEBUG)
    connect(serve(once(b"")).base_url).send(ask(), PATIENT)
    assert "sk-test" not in caplog.text


def test_streams_leave_nothing_behind(serve, connect, ask):
    transport = connect(serve(lambda peer: peer.answer_with_streams()).base_url)

    def objects_after(streams):
        for _ in range(streams):
            assert transport.send(ask(), PATIENT).attempt.outcome is Outcome.OK
        gc.collect()
        return sum(str(getattr(type(each), "__module__", "")).startswith("relayload.") for each in gc.get_objects())

    before = objects_after(20)
    assert objects_after(200) == before


def test_an_event_that_is_too_large_may_also_be_the_last_one(serve, connect, ask):
    limits = ResponseLimits(event_bytes=100)
    server = serve(once(STREAM_HEAD + b"\r\ndata" + b": " + b"a" * 90, b"b" * 40))
    attempt = connect(server.base_url, limits=limits).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.BROKEN_STREAM, "too_large")


@pytest.mark.parametrize(
    ("limits", "error"), [(ResponseLimits(body_bytes=50), "too_large"), (ResponseLimits(body_bytes=5000), None)]
)
def test_an_answer_in_one_piece_is_bounded(serve, connect, ask, limits, error):
    def script(peer):
        peer.read_request()
        peer.answer()

    assert connect(serve(script).base_url, limits=limits).send(ask(stream=False), PATIENT).attempt.error == error


@pytest.mark.parametrize("status", ["429 Too Many", "503 Busy", "200 OK"])
def test_an_error_that_is_too_large_is_still_the_error_that_its_status_names(serve, connect, ask, status):
    def script(peer):
        peer.read_request()
        peer.answer(b" " * 2_000_000 if status != "200 OK" else b" " * 9_000_000, status=status)

    attempt = connect(serve(script).base_url).send(ask(stream=False), PATIENT).attempt
    outcomes = {"429": Outcome.RATE_LIMITED, "503": Outcome.SERVER_ERROR, "200": Outcome.BROKEN_STREAM}
    assert (attempt.outcome, attempt.error) == (outcomes[status[:3]], "too_large")
