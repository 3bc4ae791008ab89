"""What `--http-debug` writes down, of both drivers and of the questions before the load."""

import gzip
import os
from pathlib import Path

import pytest
from support import PATIENT

from relayload.core.wire.chat import chat_request
from relayload.transport.drivers import DRIVERS, new_transport
from relayload.transport.http_log import COUNT_VARIABLE, FILE_VARIABLE, HttpLog, LoggedResponse, from_environment
from relayload.transport.probe_client import ProbeClient, TargetUnreachable
from relayload.transport.redaction import Secrets
from relayload.transport.tapped import head_and_body

KEY = "sk-do-not-tell"
ASK = chat_request("o3", [{"role": "user", "content": f"my key is {KEY}"}], stream=False)
STREAM = chat_request("o3", [{"role": "user", "content": "hi"}], stream=True)


@pytest.fixture
def written() -> list[str]:
    return []


def exchange(driver, server, log, *requests, **options):
    transport = new_transport(driver, server.base_url, KEY, http_log=log, **options)
    for request in requests:
        transport.send(request, PATIENT)
    transport.close()


def answering(peer):
    while True:
        request = peer.read_request()
        if b'"stream":true' in request.body:
            peer.begin_stream("set-cookie: session=abc\r\n")
            peer.send_event("hel")
            peer.send_event("lo")
            peer.end_stream()
        else:
            body = b'{"error":{"message":"wrong key sk-do-not-tell"}}'
            peer.answer(body, "401 Unauthorized", "x-ratelimit-remaining-tokens: 5\r\n")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_request_and_its_answer_are_written_down_without_the_key(serve, driver, written):
    exchange(driver, serve(answering), HttpLog(1, written.append), ASK, headers={"x-team": "load"})
    (text,) = written
    lines = text.splitlines()
    assert lines[0] == f"--- exchange 1 of process {os.getpid()}"
    assert lines[1] == "> POST /v1/chat/completions HTTP/1.1"
    assert "> x-team: load" in lines
    assert "> authorization: ***" in [line.lower() for line in lines]
    assert "my key is ***" in text
    assert "< HTTP/1.1 401 Unauthorized" in lines
    assert "< x-ratelimit-remaining-tokens: 5" in lines
    assert '< {"error":{"message":"wrong key ***"}}' in lines
    assert lines[-1].startswith("--- answered after ")
    assert KEY not in text


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_stream_is_written_down_event_by_event_and_no_cookie(serve, driver, written):
    exchange(driver, serve(answering), HttpLog(1, written.append), STREAM)
    (text,) = written
    events = [line for line in text.splitlines() if line.startswith("< data: ")]
    assert events[0] == '< data: {"choices":[{"index":0,"delta":{"content":"hel"}}]}'
    assert events[-1] == "< data: [DONE]"
    assert "< set-cookie: ***" in text.splitlines()
    assert "session=abc" not in text
    assert "(first byte after " in text


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_more_are_written_down_than_are_wanted(serve, driver, written):
    exchange(driver, serve(answering), HttpLog(2, written.append), ASK, STREAM, ASK, STREAM)
    assert [text.splitlines()[0].split(" of ")[0] for text in written] == ["--- exchange 1", "--- exchange 2"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_request_that_nobody_takes_is_written_down_with_the_reason(driver, written):
    transport = new_transport(driver, "http://127.0.0.1:1/v1", KEY, http_log=HttpLog(1, written.append))
    transport.send(ASK, PATIENT)
    transport.close()
    (text,) = written
    assert "> POST /v1/chat/completions HTTP/1.1" in text
    assert "failed" in text.splitlines()[-1] or "not sent" in text.splitlines()[-1]
    assert KEY not in text


def test_a_long_body_is_cut_and_no_half_of_a_key_is_left(written):
    body = b"x" * 4_090 + KEY.encode() + b"y" * 100_000
    HttpLog(1, written.append).write(1, Secrets(KEY), "POST / HTTP/1.1", body, LoggedResponse())
    (text,) = written
    assert "bytes more" in text
    assert "sk-do" not in text


def test_what_acts_on_a_terminal_is_not_handed_on(written):
    HttpLog(1, written.append).write(
        1, Secrets(KEY), "POST / HTTP/1.1", b"\x1b[2Ja\r\nb", LoggedResponse(head="HTTP/1.1 200")
    )
    assert "> ·[2Ja\n> b\n" in written[0]
    assert "\x1b" not in written[0]


def test_the_questions_before_the_load_are_written_down(serve, written):
    log = HttpLog(1, written.append)
    server = serve(lambda peer: (peer.read_request(), peer.answer(b'{"data":[]}')))
    ProbeClient(KEY, {"http_log": log}).ask(server.base_url, "GET", "/models")
    (text,) = written
    assert "> GET /v1/models HTTP/1.1" in text
    assert '< {"data":[]}' in text
    assert KEY not in text


def test_a_question_that_nobody_answers_is_written_down(written):
    with pytest.raises(TargetUnreachable):
        ProbeClient(KEY, {"http_log": HttpLog(1, written.append)}).ask("http://127.0.0.1:1/v1", "GET", "/models")
    assert written[0].splitlines()[-1] == "--- failed: ConnectionRefusedError"


def test_a_body_is_shown_without_chunks_and_encoding():
    packed = gzip.compress(b'{"a":1}')
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-encoding: gzip\r\n\r\n"
    wire = [head, b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)]
    shown, body = head_and_body(wire)
    assert shown.splitlines() == ["HTTP/1.1 200 OK", "transfer-encoding: chunked", "content-encoding: gzip"]
    assert body == b'{"a":1}'


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        ([b"SSH-2.0-x\r\n"], ("SSH-2.0-x\r\n", b"")),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nabc"], ("HTTP/1.1 200 OK\r\ncontent-length: x", b"abc")),
        ([], ("", b"")),
    ],
)
def test_what_is_no_http_is_shown_as_it_came(wire, shown):
    assert head_and_body(wire) == shown


def test_the_environment_says_how_many_and_where(tmp_path: Path):
    file = tmp_path / "http.txt"
    log = from_environment({COUNT_VARIABLE: "1", FILE_VARIABLE: str(file)})
    assert log is not None
    for _ in range(2):
        if (number := log.wanted()) is not None:
            log.write(number, Secrets(KEY), f"GET /{KEY} HTTP/1.1", b"", LoggedResponse())
    assert file.read_text().splitlines()[1:] == ["> GET /*** HTTP/1.1", "--- answered"]
    assert [from_environment({COUNT_VARIABLE: text}) for text in ("", "0", "many")] == [None, None, None]
