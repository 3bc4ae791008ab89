"""HTTP as servers write it and clients read it, with either driver: what the SDK's client takes, ours takes."""

import pytest
from support import PATIENT

from relayload.transport.drivers import DRIVERS, new_transport

BODY = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}'
LENGTH = b"content-length: %d" % len(BODY)
TAKEN = {
    "a folded header": b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\n%b\r\n\r\n" % LENGTH,
    "a length twice": b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: %d\r\n\r\n" % (LENGTH, len(BODY)),
    "a length twice in one": b"HTTP/1.1 200 OK\r\n%b, %d\r\n\r\n" % (LENGTH, len(BODY)),
    "LF alone": b"HTTP/1.1 200 OK\n%b\n\n" % LENGTH,
    "no reason": b"HTTP/1.1 200\r\n%b\r\n\r\n" % LENGTH,
    "a blank reason": b"HTTP/1.1 200 \r\n%b\r\n\r\n" % LENGTH,
    "control characters": b"HTTP/1.1 200 OK\r\nx-a: b\x1bc\r\n%b\r\n\r\n" % LENGTH,
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n%b\r\n\r\n" % LENGTH,
    "no length": b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n%b\r\n\r\n" % LENGTH,
}
REFUSED = {
    "two lengths": b"HTTP/1.1 200 OK\r\n%b\r\ncontent-length: 7\r\n\r\n" % LENGTH,
    "a length that is none": b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
    "a blank in a name": b"HTTP/1.1 200 OK\r\nx a: b\r\n%b\r\n\r\n" % LENGTH,
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
}


@pytest.fixture
def attempt_at(serve, ask):
    def attempt(driver: str, head: bytes):
        def script(peer) -> None:
            peer.read_request()
            peer.send(head + BODY)

        transport = new_transport(driver, serve(script).base_url, "sk-fake")
        attempt = transport.send(ask(stream=False), PATIENT).attempt
        transport.close()
        return attempt

    return attempt


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("head", TAKEN.values(), ids=TAKEN.keys())
def test_what_the_sdk_takes_is_taken_by_both_drivers(attempt_at, driver, head):
    assert attempt_at(driver, head).error is None


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_sdk_refuses_fails_with_both_drivers(attempt_at, driver, head):
    assert attempt_at(driver, head).error == "not_http"
