"""Which encodings of answers are asked for, and what comes of answers that have one, with either driver."""

import gzip
import zlib

import brotli
import pytest
from backports import zstd

from relayload.core.wire.request import Timeouts
from relayload.transport.drivers import DRIVERS, new_transport

EVENTS = (
    b'data: {"choices":[{"delta":{"content":"hel"}}]}\n\n'
    b'data: {"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


def answering(encoding: str, body: bytes):
    def script(peer):
        peer.read_request()
        encoded = f"content-encoding: {encoding}\r\n" if encoding else ""
        peer.begin_stream(headers=encoded)
        peer.send_chunk(body)
        peer.send_chunk(b"")

    return script


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(("asked", "sent"), [("identity", "identity"), ("gzip, br", "gzip, br"), (None, None)])
def test_the_encodings_are_asked_for_as_the_profile_says(serve, ask, driver, asked, sent):
    server = serve(answering("", EVENTS))
    transport = new_transport(driver, server.base_url, "sk-fake", accept_encoding=asked)
    transport.send(ask(), Timeouts())
    transport.close()
    assert server.requests[0].headers.get("accept-encoding") == sent


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(EVENTS, mtime=0)),
        ("deflate", zlib.compress(EVENTS)),
        ("deflate", zlib.compress(EVENTS)[2:-4]),
        ("br", brotli.compress(EVENTS)),
        ("zstd", zstd.compress(EVENTS)),
    ],
    ids=["gzip", "deflate", "bare deflate", "br", "zstd"],
)
def test_an_answer_in_an_encoding_that_was_asked_for_is_read(serve, ask, driver, encoding, body):
    server = serve(answering(encoding, body))
    transport = new_transport(driver, server.base_url, "sk-fake", accept_encoding="*")
    answer = transport.send(ask(), Timeouts(), keep_text=True)
    transport.close()
    assert (answer.attempt.error, answer.text) == (None, "hello")


@pytest.mark.parametrize(("driver", "text"), [("native", "hello"), ("openai", "hel")])
def test_of_several_gzip_members_the_sdk_reads_only_the_first(serve, ask, driver, text):
    end = EVENTS.index(b"data", 1)
    body = gzip.compress(EVENTS[:end], mtime=0) + gzip.compress(EVENTS[end:], mtime=0)
    server = serve(answering("gzip", body))
    transport = new_transport(driver, server.base_url, "sk-fake")
    answer = transport.send(ask(), Timeouts(), keep_text=True)
    transport.close()
    assert answer.text == text
