import pytest

from relayload.core.wire.opening import is_event_stream

SSE, JSON, TEXT = "text/event-stream; charset=utf-8", "application/json", "text/plain"


@pytest.mark.parametrize("label", [SSE, JSON, TEXT, "text/html", ""])
@pytest.mark.parametrize(
    ("begun", "streams"),
    [
        (b"data: {}", True),
        (b"data:", True),
        (b"\xef\xbb\xbf\r\n\n data: {", True),
        (b"event: x", True),
        (b"id: 1", True),
        (b"retry: 3000", True),
        (b": ping", True),
        (b"error: {", True),
        (b"Error: gone", True),
        (b'{"error":', False),
        (b"\n [", False),
        (b"<html>", False),
        (b"Internal Server Error", False),
        (b"no healthy upstream: x", False),
    ],
)
def test_the_bytes_tell_whatever_the_label_says(begun, label, streams):
    assert is_event_stream([begun], label, complete=False) is streams
    assert is_event_stream([begun], label, complete=True) is streams


@pytest.mark.parametrize("begun", [b"x-trace: 1", b"comment\n"])
def test_fields_of_other_names_are_a_stream_where_the_label_says_so(begun):
    assert is_event_stream([begun], SSE, complete=False) is True
    assert is_event_stream([begun], TEXT, complete=False) is False


@pytest.mark.parametrize("begun", [b"", b" \n", b"d", b"data", b"Internal"])
def test_too_little_tells_nothing_until_there_is_more(begun):
    assert is_event_stream([begun], SSE, complete=False) is None
    assert is_event_stream([begun, b": x"], SSE, complete=False) is True


@pytest.mark.parametrize(("label", "streams"), [(SSE, True), ("", True), (JSON, False)])
def test_where_there_is_nothing_the_label_decides(label, streams):
    assert is_event_stream([], label, complete=True) is streams
    assert is_event_stream([b"\n" * 1_024], label, complete=False) is streams


def test_pieces_of_any_size_tell_the_same():
    assert is_event_stream([bytes([byte]) for byte in b"data: {}"], JSON, complete=False) is True
    assert is_event_stream([b"{" + b"x" * 100_000], SSE, complete=False) is False
