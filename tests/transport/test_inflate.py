import zlib
from functools import partial
from gzip import compress

import brotli
import pytest
from backports import zstd

from relayload.core.wire.response_limits import ResponseLimits, TooLarge
from relayload.transport.failures import Failure, WireError
from relayload.transport.inflate import ENCODINGS, Inflater, accepted_by

gzip = partial(compress, mtime=0)
TEXT = b"data: hello\n\n" * 500
HALF = len(TEXT) // 2


def bare_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def inflate(encodings: str, data: bytes, cut: int = 65_536, limits: ResponseLimits | None = None) -> bytes:
    inflater = Inflater(encodings, limits or ResponseLimits(), ENCODINGS)
    pieces = (data[at : at + cut] for at in range(0, len(data), cut))
    return b"".join(inflated for piece in pieces for inflated in inflater.feed(piece))


@pytest.mark.parametrize(
    ("encodings", "data"),
    [
        ("gzip", gzip(TEXT)),
        ("X-GZip", gzip(TEXT)),
        ("gzip", gzip(TEXT[:HALF]) + gzip(TEXT[HALF:])),
        ("gzip", gzip(TEXT[:HALF]) + b"\0" * 9 + gzip(TEXT[HALF:])),
        ("gzip", gzip(TEXT) + b"not a member"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstd.compress(TEXT)),
        ("zstd", zstd.compress(TEXT[:HALF]) + zstd.compress(TEXT[HALF:])),
        ("gzip, br", brotli.compress(gzip(TEXT))),
        ("identity", TEXT),
        ("identity, gzip", gzip(TEXT)),
    ],
)
@pytest.mark.parametrize("cut", [1, 2, 7, 65_536])
def test_every_encoding_is_undone_however_it_is_cut(encodings, data, cut):
    assert inflate(encodings, data, cut) == TEXT


@pytest.mark.parametrize("encodings", ["gzip", "br", "zstd"])
def test_what_is_not_encoded_as_it_says_fails(encodings):
    with pytest.raises(WireError) as raised:
        inflate(encodings, b'{"choices":[]}')
    assert raised.value.failure is Failure.ENCODING


@pytest.mark.parametrize("encodings", ["compress", "gzip, aes128gcm", "gzip, gzip, gzip, gzip"])
def test_encodings_that_are_unknown_or_too_many_fail(encodings):
    with pytest.raises(WireError) as raised:
        Inflater(encodings, accepted=ENCODINGS)
    assert raised.value.failure is Failure.ENCODING


@pytest.mark.parametrize("encodings", ["utf-8", "none", "UTF-8, identity", "gzip, utf-8", "aws-chunked"])
def test_what_names_no_coding_changes_nothing(encodings):
    body = gzip(TEXT) if "gzip" in encodings else TEXT
    assert inflate(encodings, body) == TEXT


def test_what_takes_much_memory_is_undone_only_where_it_was_asked_for():
    with pytest.raises(WireError):
        Inflater("br")
    assert Inflater("gzip").feed(gzip(b"a")) == [b"a"]
    assert Inflater("br", accepted=frozenset({"br"})).feed(brotli.compress(b"a")) == [b"a"]


ZEROS = bytes(40_000_000)


@pytest.mark.parametrize(
    ("encodings", "bomb"),
    [
        ("gzip", gzip(ZEROS)),
        ("deflate", zlib.compress(ZEROS)),
        ("br", brotli.compress(ZEROS, quality=5)),
        ("zstd", zstd.compress(ZEROS)),
        ("gzip, gzip", gzip(gzip(ZEROS))),
    ],
)
def test_of_a_bomb_no_more_is_inflated_than_shows_that_it_is_one(encodings, bomb):
    inflater = Inflater(encodings, accepted=ENCODINGS)
    with pytest.raises(TooLarge):
        inflater.feed(bomb)
    assert max(inflater.inflated_bytes) <= max(1_000_000, 200 * len(bomb)) + 2_000_000


def test_a_bomb_that_another_encoding_hides_is_one():
    hidden = gzip(TEXT) + ZEROS  # of which nothing comes: gzip ignores what follows its last member
    with pytest.raises(TooLarge):
        inflate("gzip, gzip", gzip(hidden), cut=4096)


def test_inflated_bytes_have_a_limit_of_their_own():
    with pytest.raises(TooLarge):
        inflate("gzip", gzip(TEXT), limits=ResponseLimits(inflated_bytes=len(TEXT) - 1))


def test_a_body_that_compresses_well_is_no_bomb():
    body = b"".join(b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % number for number in range(50_000))
    assert inflate("gzip", gzip(body)) == body


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, set()),
        ("identity", set()),
        ("gzip, br", {"gzip", "br"}),
        ("BR;q=0.5, gzip;q=0, zstd; q=0.0", {"br"}),
        ("*", ENCODINGS),
        ("compress", set()),
    ],
)
def test_what_was_asked_for_is_read_from_the_header(header, accepted):
    assert accepted_by(header) == accepted
