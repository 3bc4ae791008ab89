from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relayload.core.wire.sse import SseEvent, SseParser


def parse(*pieces: bytes) -> list[SseEvent]:
    parser = SseParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.end()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [(b"a", b"")]),
        (b"data:a\n\n", [(b"a", b"")]),
        (b"data:  a\n\n", [(b" a", b"")]),
        (b"data: a\r\n\r\n", [(b"a", b"")]),
        (b"data: a\r\r", [(b"a", b"")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [(b"a", b""), (b"b", b"")]),
        (b"data: a\ndata: b\n\n", [(b"a\nb", b"")]),
        (b"data\n\n", [(b"", b"")]),
        (b"data: a\x0bb\x85\xe2\x80\xa8c\n\n", [(b"a\x0bb\x85\xe2\x80\xa8c", b"")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [(b"a", b"error"), (b"b", b"")]),
        (b"event: x\n\ndata: b\n\n", [(b"b", b"")]),
        (b": OPENROUTER PROCESSING\n\ndata: a\n\n", [(b"a", b"")]),
        (b"id: 7\nretry: 100\nfoo: bar\ndata: a\n\n", [(b"a", b"")]),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_lines_make_events(stream, events):
    assert parse(stream) == events


@pytest.mark.parametrize("pieces", [(b"\xef\xbb\xbfdata: a\n\n",), (b"\xef", b"\xbb\xbf", b"data: a\n\n")])
def test_a_byte_order_mark_is_no_part_of_the_first_event(pieces):
    assert parse(*pieces) == [(b"a", b"")]


@pytest.mark.parametrize("rest", [b"data: b", b"data: b\n", b"data: b\r", b"data: b\r\n"])
def test_an_event_cut_short_by_the_end_is_delivered(rest):
    assert parse(b"data: a\n\n", rest) == [(b"a", b""), (b"b", b"")]


def test_an_event_comes_with_the_last_byte_of_its_empty_line():
    parser = SseParser()
    assert parser.feed(b"data: a\n") == []
    assert parser.feed(b"\n") == [(b"a", b"")]


def test_an_event_of_a_megabyte_survives_being_cut_small():
    event = b"data: " + b"x" * 1_000_000 + b"\n\n"
    pieces = [event[at : at + 100] for at in range(0, len(event), 100)]
    assert parse(*pieces) == [(b"x" * 1_000_000, b"")]


_LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
_LINES = st.sampled_from(
    [b"", b"data: {}", b"data:x", b"data", b"event: error", b": hush", b"id: 1", "data: ü€".encode()]
)
_STREAMS = st.one_of(
    st.binary(max_size=200),
    st.lists(st.tuples(_LINES, _LINE_ENDS).map(b"".join), max_size=30).map(b"".join),
    st.lists(st.sampled_from([b"data: {}\n\n", b"data: {}\n", b"\n", b"\r", b"data: a\rb\n\n"]), max_size=20).map(
        b"".join
    ),
)


@example(b"data: a\r\ndata: b\r\n\r\n", [8, 17, 19])  # each CR in one read, its LF in the next
@example(b"data: a\r\n\ndata: b\n\n", [8, 9])  # and only that LF is the CR's
@given(_STREAMS, st.lists(st.integers(0, 300), max_size=12))
def test_the_events_are_the_same_however_the_bytes_are_cut(stream, cuts):
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[begin:end] for begin, end in pairwise(edges)]
    assert parse(*pieces) == parse(stream) == parse(*(bytes([byte]) for byte in stream))


@given(st.lists(st.tuples(st.binary().filter(lambda data: not {10, 13} & set(data)), st.booleans()), max_size=20))
def test_what_was_written_is_read(events):
    stream = b"".join((b"event: n\n" if named else b"") + b"data: " + data + b"\n\n" for data, named in events)
    assert parse(stream) == [(data, b"n" if named else b"") for data, named in events]
