"""Each limit of an answer holds on its own; those that the SDK's client reads past are the native driver's alone."""

import gzip
import random

import pytest
from support import PATIENT

from relayload.core.wire.response_limits import ResponseLimits
from relayload.transport.drivers import new_transport

SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
LETTERS = random.Random(1).randbytes(1500).hex().encode()


def whole(text: bytes = b"a", **fields: bytes) -> bytes:
    more = b"".join(b',"%b":%b' % (name.encode(), value) for name, value in fields.items())
    return b'{"choices":[{"index":0,"message":{"content":"%b"},"finish_reason":"stop"}]%b}' % (text, more)


def zipped(body: bytes) -> bytes:
    data = gzip.compress(body)
    return JSON + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(data) + data


BOTH = {
    # a limit: the answer that is past it and within the others, and whether it is a stream
    "headers": (20, JSON + b"x-a: b\r\n" * 30 + b"\r\n" + whole(), False),
    "body_bytes": (2000, JSON + b"\r\n" + whole(LETTERS), False),
    "stream_bytes": (5000, SSE + b"\r\n" + TOKEN * 200 + END, True),
    "event_bytes": (2000, SSE + b"\r\n" + TOKEN.replace(b'"a"', b'"%b"' % LETTERS) + END, True),
    "inflated_bytes": (2000, zipped(whole(LETTERS)), False),
    "nesting": (20, JSON + b"\r\n" + whole(x=b"[" * 50 + b" " * 300 + b"]" * 50), False),
    "values": (100, JSON + b"\r\n" + whole(x=b"[" + b"1," * 40_000 + b"1]"), False),
}
NATIVE = {
    "header_bytes": (2000, JSON + b"x-a: " + LETTERS + b"\r\n\r\n" + whole(), False),
    "interim": (3, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4 + JSON + b"\r\n" + whole(), False),
}


@pytest.mark.parametrize(
    ("driver", "limit"), [*(("native", limit) for limit in (BOTH | NATIVE)), *(("openai", limit) for limit in BOTH)]
)
def test_a_limit_ends_what_is_past_it_alone(serve, ask, driver, limit):
    most, data, stream = (BOTH | NATIVE)[limit]

    def misbehave(peer):
        peer.read_request()
        peer.send(data)

    found = []
    for limits in (ResponseLimits(), ResponseLimits(**{limit: most})):
        transport = new_transport(driver, serve(misbehave).base_url, "sk-fake", limits=limits)
        attempt = transport.send(ask(stream=stream), PATIENT).attempt
        found.append((str(attempt.outcome), attempt.error))
        transport.close()
    assert found == [("ok", None), ("broken_stream", "too_large")]
