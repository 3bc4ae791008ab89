"""Generates PNG images of a given size, all different, as data URLs.

Source of the format: PNG (Third Edition), W3C, 5 (chunks) and 11.2 (IHDR, IDAT, IEND), 11.3.3.3 (tEXt).
"""

import struct
import zlib
from base64 import b64encode
from random import Random

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DATA_URL = "data:image/png;base64,"
_EIGHT_BIT_RGB = struct.pack(">BBBBB", 8, 2, 0, 0, 0)
_COMPRESSION = 6
_STRIPE_PIXELS = 32


class Picture:
    """An image of coloured stripes. It is drawn once; its copies differ only in a PNG comment."""

    def __init__(self, width: int, height: int, rng: Random) -> None:
        drawn = _drawn(width, height, rng)
        padding = b" " * (-(len(drawn) + len(_text_chunk(b""))) % 3)
        drawn += _text_chunk(padding)  # base64 encodes groups of three bytes, so the rest can be appended
        self._url = _DATA_URL + b64encode(drawn).decode()

    def data_url(self, number: int) -> str:
        """Return the copy with this number as a data URL."""
        return self._url + b64encode(_text_chunk(f"{number:012d}".encode()) + _chunk(b"IEND", b"")).decode()


def _drawn(width: int, height: int, rng: Random) -> bytes:
    header = struct.pack(">II", width, height) + _EIGHT_BIT_RGB
    stripes = [rng.randbytes(3) for _ in range(-(-width // _STRIPE_PIXELS))]
    row = b"".join(colour * _STRIPE_PIXELS for colour in stripes)[: width * 3]
    pixels = zlib.compress((b"\x00" + row) * height, _COMPRESSION)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels)


def _text_chunk(text: bytes) -> bytes:
    return _chunk(b"tEXt", b"Comment\x00" + text)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
