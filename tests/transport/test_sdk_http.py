import h11
import pytest

from relayload.transport.failures import Failure
from relayload.transport.sdk_http import refusal


def stumble(data):
    """What the SDK's client makes of an answer, and of its end."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    try:
        for piece in (data, b""):
            connection.receive_data(piece)
            while connection.next_event() not in (h11.NEED_DATA, h11.PAUSED):
                if connection.their_state is not h11.SEND_BODY:
                    break
    except h11.RemoteProtocolError as error:
        return error
    return None


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"SSH-2.0\r\n\r\n", Failure.NOT_HTTP),
        (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", Failure.NOT_HTTP),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", Failure.NOT_HTTP),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", None),  # cut short
        (HEAD + b"content-length: 9\r\n\r\nhello", None),
        (HEAD + b"x: %b" % (b"y" * 200_000), Failure.TOO_LARGE),
    ],
)
def test_what_the_client_of_the_sdk_refuses_is_no_http_or_too_large(data, failure):
    error = stumble(data)
    assert error is not None
    assert refusal(error) is failure
