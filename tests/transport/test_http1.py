from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.transport.failures import Failure, WireError
from relayload.transport.http1 import RequestHead, Response
from relayload.transport.origin import Origin

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


def read(*pieces: bytes) -> tuple[Response, bytes]:
    response = Response()
    return response, b"".join(part for piece in pieces for part in response.feed(piece))


@pytest.mark.parametrize("data", [LENGTH, CHUNKED])
def test_a_whole_response_leaves_the_connection_usable(data):
    response, body = read(data)
    assert (body, response.status, response.complete, response.reusable) == (b"hello", 200, True, True)


@pytest.mark.parametrize("data", [LENGTH, CHUNKED])
@given(cuts=st.lists(st.integers(1, 80), max_size=10))
def test_a_response_is_the_same_however_it_is_cut(data, cuts):
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    response, body = read(*(data[begin:end] for begin, end in pairwise(edges)))
    assert (body, response.complete, response.reusable) == (b"hello", True, True)


@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([LENGTH, CHUNKED, b"HTTP/1.1 200 OK\r\n", b"\r\n"]))))
def test_any_bytes_are_read_or_refused(pieces):
    with suppress(WireError):
        read(*pieces)


@pytest.mark.parametrize(
    ("header", "reusable"),
    [(b"", True), (b"Connection: close\r\n", False), (b"Connection: keep-alive\r\n", True)],
)
def test_the_relay_may_give_the_connection_up(header, reusable):
    response, _ = read(LENGTH.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n"))
    assert response.reusable is reusable


def test_a_body_without_a_length_ends_with_the_connection():
    response, body = read(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")
    assert (body, response.complete) == (b"hello", False)
    response.end()
    assert (response.complete, response.reusable) == (True, False)


def test_a_body_that_is_encoded_but_not_in_chunks_ends_with_the_connection():
    response, body = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhel", b"lo")
    response.end()
    assert (body, response.complete, response.reusable) == (b"hello", True, False)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
        b"5 \r\nhello\r\n0\r\n\r\n",
    ],
)
def test_what_all_clients_take_is_taken(data):
    response, body = read(data)
    assert (body, response.complete) == (b"hello", True)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", LENGTH[:-1], CHUNKED[:-3]])
def test_a_cut_response_is_not_complete(data):
    response, _ = read(data)
    response.end()
    assert not response.complete


def test_what_follows_a_whole_response_only_costs_the_connection():
    response, body = read(LENGTH + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\n\r\nxx")
    assert (body, response.status, response.complete, response.reusable) == (b"hello", 200, True, False)


@pytest.mark.parametrize("data", [b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\x16\x03\x01\x00"])
def test_what_is_no_http_is_refused(data):
    with pytest.raises(WireError) as raised:
        read(data)
    assert raised.value.failure is Failure.NOT_HTTP


def test_an_encoding_nobody_can_undo_is_refused():
    with pytest.raises(WireError) as raised:
        read(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n")
    assert raised.value.failure is Failure.ENCODING


def test_header_names_are_in_lower_case_and_repeated_ones_joined():
    response, _ = read(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nX-B: \xfc\r\nContent-Length: 0\r\n\r\n")
    assert response.headers == {"x-a": "1, 2", "x-b": "ü", "content-length": "0"}


def test_headers_of_a_request_replace_those_of_the_target():
    head = RequestHead(Origin("http", "a", 80, "/v1"), {"X-A": "1"}).render("/chat", {"x-a": "2", "x-b": "3"}, 7)
    first, *fields = head.decode().split("\r\n")
    assert first == "POST /v1/chat HTTP/1.1"
    assert fields[0] == "host: a"
    assert {"x-a: 2", "x-b: 3", "content-length: 7"} <= set(fields)
    assert "x-a: 1" not in fields
    assert fields[-2:] == ["", ""]


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb"])
def test_a_header_value_with_a_line_end_is_refused(value):
    with pytest.raises(ValueError, match="line end"):
        RequestHead(Origin("http", "a", 80), {}).render("/", {"x": value}, 0)
