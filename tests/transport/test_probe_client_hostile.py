"""Questions to relays that never end their answers, or answer what nobody could read."""

import json
import os
import socket
import time
from contextlib import suppress
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import PATIENCE_S, ran_patched

from relayload.transport.probe_client import ProbeClient, TargetUnreachable, models

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
TLS_HANDSHAKE, TLS_DATA = b"\x16\x03\x03\x40\x00", b"\x17\x03\x03\x40\x00"
"""Headers of records of 16 kB."""


def slowly(begin: bytes, piece: bytes):
    """So many bytes a second that no single read is ever late."""

    def script(peer):
        peer.read_request()
        peer.send(begin)
        while True:
            peer.send(piece)
            time.sleep(0.02)

    return script


def for_ever(begin: bytes, piece: bytes):
    """As fast as the other end takes it."""

    def script(peer):
        peer.read_request()
        peer.send(begin)
        while True:
            peer.send(piece * (65_536 // len(piece)))

    return script


NO_ANSWER, NO_END = r"no answer from .* within 1s", r"has not ended its answer to GET /models within 1s"
HEADERS = "answers with more headers than anybody reads"
HOSTILE = {
    "status line byte by byte": (slowly(b"HTTP/1.1 200 ", b"O"), NO_ANSWER),
    "header byte by byte": (slowly(HEAD + b"x-a: ", b"a"), NO_ANSWER),
    "headers without end": (for_ever(HEAD, b"x-a: a\r\n"), HEADERS),
    "one header without end": (for_ever(HEAD + b"x-a: ", b"a"), HEADERS),
    "interim answers without end": (for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), HEADERS),
    "early hints without end": (for_ever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), HEADERS),
    "interim answers slowly": (slowly(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), NO_ANSWER),
    "body byte by byte": (slowly(HEAD + b"content-length: 1000000\r\n\r\n", b" "), NO_END),
    "body without a length": (slowly(HEAD + b"\r\n", b" "), NO_END),
    "chunks byte by byte": (slowly(CHUNKED, b"1\r\n \r\n"), NO_END),
    "a chunk's size byte by byte": (slowly(CHUNKED, b"0"), NO_END),
    "trailers byte by byte": (slowly(CHUNKED + b"0\r\n", b"a"), NO_END),
    "trailers without end": (for_ever(CHUNKED + b"0\r\n", b"a: a\r\n"), "breaks off its answer"),
    "a body without end": (for_ever(HEAD + b"\r\n", b" "), "with no list of models"),
    "chunks without end": (for_ever(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"), "with no list of models"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_question_has_an_end(serve, name):
    script, told = HOSTILE[name]
    with pytest.raises(TargetUnreachable, match=told):
        _models(serve(script).base_url, timeout_s(name))


def timeout_s(name: str) -> float:
    """A second for what never ends; what is too much ends by itself, however long it takes."""
    return 1.0 if HOSTILE[name][1] in (NO_ANSWER, NO_END) else PATIENCE_S


def _models(base_url: str, timeout_s: float) -> object:
    reply = ProbeClient("sk-test", timeout_s=timeout_s).ask(base_url, "GET", "/models")
    if reply.status != 200 or b"data" not in reply.body:
        raise TargetUnreachable("with no list of models")
    return json.loads(reply.body)


def raw(peer) -> socket.socket:
    """The connection below its TLS."""
    return socket.socket(fileno=os.dup(peer.sock.fileno()))


def test_a_handshake_has_an_end(serve):
    def script(peer):
        peer.sock.recv(65_536)
        peer.send(TLS_HANDSHAKE)
        while True:
            peer.send(b"a")
            time.sleep(0.02)

    with pytest.raises(TargetUnreachable, match=NO_ANSWER):
        ProbeClient("k", {"verify": False}, timeout_s=1.0).ask(
            serve(script).base_url.replace("http", "https"), "GET", "/a"
        )


def test_a_peer_that_hangs_up_on_a_handshake_speaks_no_tls(serve):
    def script(peer):
        peer.sock.recv(65_536)

    with pytest.raises(TargetUnreachable, match="does not speak TLS"):
        models(serve(script).base_url.replace("http", "https"), "sk-test", {"verify": False})


def test_a_header_that_breaks_off_is_told(serve):
    def script(peer):
        peer.read_request()
        peer.send(HEAD)

    with pytest.raises(TargetUnreachable, match="breaks off its answer"):
        models(serve(script).base_url, "sk-test")


def test_a_record_of_tls_has_an_end(serve, certificates):
    def script(peer):
        peer.read_request()
        with raw(peer) as sock:
            sock.sendall(TLS_DATA)
            while True:
                sock.sendall(b"a")
                time.sleep(0.02)

    with pytest.raises(TargetUnreachable, match=NO_ANSWER):
        ProbeClient("k", {"verify": False}, timeout_s=1.0).ask(
            serve(script, certificates.server_context()).base_url, "GET", "/"
        )


def test_an_answer_over_tls_that_is_cut_is_told(serve, certificates):
    def script(peer):
        peer.read_request()
        peer.send(HEAD + b"content-length: 100\r\n\r\nhalf")

    with pytest.raises(TargetUnreachable, match="breaks off its answer"):
        ProbeClient("k", {"verify": False}).ask(serve(script, certificates.server_context()).base_url, "GET", "/models")


PATCHED = """
from locust import User
import sys
from relayload.transport.probe_client import ProbeClient, TargetUnreachable
for base_url, timeout_s in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        ProbeClient("sk-test", timeout_s=float(timeout_s)).ask(base_url, "GET", "/models")
    except TargetUnreachable as error:
        print(str(error).partition(": ")[2] or str(error))
"""


def test_it_has_one_inside_locust_too(serve):
    names = ("status line byte by byte", "interim answers without end", "one header without end")
    arguments = ((serve(HOSTILE[name][0]).base_url, timeout_s(name)) for name in names)
    told = ran_patched(PATCHED, *chain.from_iterable(arguments)).splitlines()
    assert [line.partition(" answers")[2] or line.partition(" within")[2] for line in told] == [
        " 1s",
        " with more headers than anybody reads",
        " with more headers than anybody reads",
    ]


def test_early_hints_are_passed_over(serve):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
        peer.answer(b'{"data":[{"id":"a"}]}')

    assert models(serve(script).base_url, "sk-test") == ("a",)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" * 200_000, ""),
        (b'{"error":{"message":' + b"[" * 200_000 + b"]" * 200_000 + b"}}", ""),
        (b'{"error":{"message":' + b"[" * 500 + b"]" * 500 + b"}}", ""),
        (b'{"error":[]}', ""),
        (b'{"error":{"message":' + b"9" * 5_000 + b"}}", ""),
        (b'{"error":{"message":"' + b"a" * 100_000 + b'"}}', f" ({'a' * 200})"),
        (b'{"error":{"message":"wrong sk-test\\u001b[2J"}}', " (wrong *** [2J)"),
    ],
)
def test_whatever_an_error_says_it_is_told_in_one_line(serve, body, told):
    def script(peer):
        peer.read_request()
        peer.answer(body, "401 Unauthorized")

    with pytest.raises(TargetUnreachable) as caught:
        models(serve(script).base_url, "sk-test")
    assert str(caught.value).endswith(f"answers 401 to GET /models{told}")


LISTS = [b"[" * 200_000, b'{"data":[{"id":[]}]}', b'{"data":7}', b"7", b"null", b'{"data":{"a":1}}', b'{"data":[7]}']


@pytest.mark.parametrize("body", LISTS)
def test_an_odd_list_of_models_is_none(serve, body):
    def script(peer):
        peer.read_request()
        peer.answer(body)

    with pytest.raises(TargetUnreachable, match="with no list of models"):
        models(serve(script).base_url, "sk-test")


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Up\r\n",
        b"HTTP/1.0 99999 No\r\n",
        b"content-length: -5\r\n",
        b"content-length: " + b"9" * 5_000 + b"\r\n",
        b"transfer-encoding: chunked\r\n",
        b"\r\n",
        b"-5\r\nabc\r\n",
        b"f" * 5_000 + b"\r\n",
        b"0\r\n\r\n",
        b'{"data":[{"id":"a"}]}',
        b" : \r\n",
        b"\x00\xff\x1b",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=40), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_there_is_an_answer_or_a_line_that_says_why_not(serve, pieces):
    def script(peer):
        peer.read_request()
        peer.send(b"".join(pieces))

    probe_client, base_url = ProbeClient("sk-test", timeout_s=PATIENCE_S), serve(script).base_url
    with suppress(TargetUnreachable):
        assert not probe_client.exchange(base_url, "GET", "/models").late
