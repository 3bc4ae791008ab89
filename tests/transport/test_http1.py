import gzip
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, ResponseLimits, TooLarge
from relayload.transport.failures import Failure, WireError
from relayload.transport.http1 import RequestHead, Response
from relayload.transport.origin import Origin

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


def read(*pieces: bytes, limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS) -> tuple[Response, bytes]:
    response = Response(limits)
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
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n c\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX-A: b\x1bc\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5, 5\nX-A: b\n\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length:\r\n\t5\r\nX-A: b\r\n\r\nhello",
    ],
)
@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_what_all_clients_take_is_taken(data, cut):
    response, body = read(*(data[at : at + cut] for at in range(0, len(data), cut)))
    assert (body, response.status, response.complete) == (b"hello", 200, True)


def test_a_folded_header_is_one_line():
    response, _ = read(b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n")
    assert response.headers["x-a"] == "b c"


_MANY = b"".join(b"X-%d: 1\r\n" % number for number in range(10))


@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (ResponseLimits(header_bytes=100), b"HTTP/1.1 200 OK\r\nX-A: %b\r\n" % (b"a" * 100)),
        (ResponseLimits(header_bytes=100), LENGTH.replace(b"\r\n\r\n", b"\r\nX-A: %b\r\n\r\n" % (b"a" * 100))),
        (ResponseLimits(headers=10), LENGTH.replace(b"\r\n\r\n", b"\r\n%b\r\n" % _MANY)),
        (ResponseLimits(headers=10), LENGTH.replace(b"\r\n\r\n", b"\r\n%b\r\n" % (b"X: 1\r\n" * 10))),
        (ResponseLimits(interim=2), b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 3 + LENGTH),
        (ResponseLimits(header_bytes=100), CHUNKED[:-2] + b"X-A: %b" % (b"a" * 200)),
        (ResponseLimits(header_bytes=100), CHUNKED.replace(b"2\r\nlo", b"2;%b\r\nlo" % (b"a" * 300))),
    ],
)
@pytest.mark.parametrize("cut", [1, 90, 10_000])
def test_what_brings_no_body_is_bounded(limits, data, cut):
    pieces = [data[at : at + cut] for at in range(0, len(data), cut)]
    if cut == 10_000 and data.startswith(CHUNKED[:40]):
        return  # all of it in one piece is read before it can be bounded
    with pytest.raises(TooLarge):
        read(*pieces, limits=limits)


def test_interim_answers_and_headers_within_the_limits_are_passed_over():
    early = b"HTTP/1.1 103 Early Hints\r\n%b\r\n" % _MANY
    response, body = read(early * 2 + LENGTH, limits=ResponseLimits(interim=2, headers=10))
    assert (body, response.headers) == (b"hello", {"content-length": "5"})


def test_a_body_may_be_many_times_as_long_as_a_header():
    response, body = read(*[LENGTH.replace(b"5", b"100000"), *[b"a" * 90] * 1111, b"a" * 5], limits=ResponseLimits(90))
    assert (len(body), response.complete) == (100_000, True)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", LENGTH[:-1], CHUNKED[:-3]])
def test_a_cut_response_is_not_complete(data):
    response, _ = read(data)
    response.end()
    assert not response.complete


def test_what_follows_a_whole_response_only_costs_the_connection():
    response, body = read(LENGTH + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\n\r\nxx")
    assert (body, response.status, response.complete, response.reusable) == (b"hello", 200, True, False)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    ],
)
def test_what_is_no_http_is_refused(data):
    with pytest.raises(WireError) as raised:
        read(data)
    assert raised.value.failure is Failure.NOT_HTTP


def test_an_encoding_nobody_can_undo_is_refused():
    with pytest.raises(WireError) as raised:
        read(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n")  # which was not asked for
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


def test_a_limit_holds_for_a_header_that_is_read_leniently():
    lines = b"".join(b"X-%d: 1\n" % number for number in range(300))
    with pytest.raises(TooLarge):
        read(b"HTTP/1.1 200 OK\n" + lines + b"\n")


def test_a_body_is_inflated_once_where_the_header_is_read_leniently():
    packed = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: %d\n\n" % len(packed)
    response = Response(accepted=frozenset({"gzip"}))
    assert (b"".join(response.feed(head + packed)), response.complete) == (b"hello", True)
