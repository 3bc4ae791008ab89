import struct
import zlib
from base64 import b64decode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.traffic.images import Picture


def chunks(url: str) -> dict[bytes, bytes]:
    """The chunks of the PNG in a data URL, whose checksums are right."""
    head, data = url.split(",")
    png = b64decode(data, validate=True)
    assert head == "data:image/png;base64"
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(name + body)
        found[name] = body
        at += 12 + length
    return found


@given(st.integers(1, 300), st.integers(1, 300), st.integers())
def test_a_picture_is_a_whole_png_of_the_size_asked_for(width, height, seed):
    found = chunks(Picture(width, height, Random(seed)).data_url(seed % 1000))
    assert list(found) == [b"IHDR", b"IDAT", b"tEXt", b"IEND"]
    assert struct.unpack(">IIBBBBB", found[b"IHDR"]) == (width, height, 8, 2, 0, 0, 0)
    assert len(zlib.decompress(found[b"IDAT"])) == height * (1 + 3 * width)


@pytest.mark.parametrize("numbers", [(1, 2), (7, 70)])
def test_copies_of_a_picture_differ_and_the_same_copy_is_the_same(numbers):
    picture, again = Picture(64, 64, Random(1)), Picture(64, 64, Random(1))
    one, other = map(picture.data_url, numbers)
    assert one != other
    assert one == again.data_url(numbers[0])
