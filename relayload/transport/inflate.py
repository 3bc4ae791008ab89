"""Decodes content encodings, piece by piece and never beyond the limits (RFC 9110, 8.4).

gzip (also with several members) and deflate (with and without zlib's wrapper) are decoded even if the request did not
ask for them, since some relays send them anyway; br and zstd, which take megabytes per body, only if it did. A
decompression bomb is inflated only until it shows as one.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import brotli

from relayload import zstd
from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, ResponseLimits, TooLarge
from relayload.transport.failures import Failure, WireError

_STEP_BYTES = 65_536
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_BEGINS = b"\x1f\x8b"
_SHORTEST_DEFLATE = 2
_MOST_ENCODINGS = 3
"""The most encodings that may be applied to one body."""
_CODINGS = frozenset(
    [
        "aes128gcm",
        "br",
        "compress",
        "dcb",
        "dcz",
        "deflate",
        "exi",
        "gzip",
        "pack200-gzip",
        "x-compress",
        "x-gzip",
        "zstd",
    ]
)
"""All registered codings. Source: IANA, HTTP Content Coding Registry."""
_ZERO = re.compile(r"q\s*=\s*0(\.0*)?\s*$")
"""The weight of an encoding that is not acceptable."""
_ZSTD_WINDOW_LOG = 23
"""8 MB, the most that HTTP allows (RFC 9659)."""
IDENTITY = "identity"
"""The name of a body without encoding."""
UNASKED = frozenset({"gzip", "x-gzip", "deflate"})
"""Decoded even if the request did not ask for them."""


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes inflate to, at most _STEP_BYTES at a time."""


class Inflater:
    """Decodes the encodings that a `content-encoding` header names, the last one first.

    `accepted` are those that the request asked for. Raises WireError for any other except UNASKED. Names that are not
    codings, such as `utf-8`, which some relays send, are ignored.
    """

    def __init__(
        self,
        encodings: str,
        limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS,
        accepted: frozenset[str] = frozenset(),
    ) -> None:
        names = [name for each in encodings.lower().split(",") if (name := each.strip()) not in ("", IDENTITY)]
        if len(names) > _MOST_ENCODINGS or not UNASKED | accepted >= _CODINGS & set(names):
            raise WireError(Failure.ENCODING)
        self._decoders = [_DECODERS[name]() for name in reversed(names) if name in _CODINGS]
        self._limits = limits
        self._received_bytes = 0
        self.inflated_bytes = [0] * len(self._decoders)
        """Output of each decoder: the final size alone would hide a bomb in an inner encoding."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return what these bytes inflate to. Raises WireError if they can't be decoded, TooLarge past a limit."""
        self._received_bytes += len(data)
        try:
            return list(self._through(0, data))
        except _ERRORS:
            raise WireError(Failure.ENCODING) from None

    def _through(self, undone: int, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes decode to, after the first `undone` decoders."""
        if undone == len(self._decoders):
            yield data
            return
        for piece in self._decoders[undone].feed(data):
            self._count(undone, len(piece))
            yield from self._through(undone + 1, piece)

    def _count(self, decoder: int, size: int) -> None:
        self.inflated_bytes[decoder] += size
        if self._limits.inflates_too_much(self.inflated_bytes[decoder], self._received_bytes):
            raise TooLarge


class _Gzip:
    """Decodes one member after another (RFC 1952, 2.2). Other bytes after a member are ignored, as gzip does."""

    def __init__(self) -> None:
        self._member: Any = zlib.decompressobj(_GZIP_WINDOW)
        self._between = b""
        """A byte after a member, too little to tell whether another member begins."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None:
                data = self._next_member(data)
            while data:
                if piece := self._member.decompress(data, _STEP_BYTES):
                    yield piece
                data = self._member.unconsumed_tail
            if self._member is not None and self._member.eof:
                data, self._member = self._member.unused_data, None

    def _next_member(self, data: bytes) -> bytes:
        """Return the start of the next member, or nothing if none begins."""
        begun = (self._between + data).lstrip(b"\0")
        self._between = begun if begun == _GZIP_BEGINS[:1] else b""
        if not begun.startswith(_GZIP_BEGINS):
            return b""
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        return begun


class _Deflate:
    """Decodes deflate in zlib's wrapper (RFC 1950), or bare (RFC 1951), as some servers send it."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._begin = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._begin += data
            if len(self._begin) < _SHORTEST_DEFLATE:
                return
            data, self._begin = self._begin, b""
            self._stream = _deflate_stream(data)
        while data and not self._stream.eof:
            if piece := self._stream.decompress(data, _STEP_BYTES):
                yield piece
            data = self._stream.unconsumed_tail


def _deflate_stream(begin: bytes) -> Any:
    try:
        zlib.decompressobj().decompress(begin, 1)
    except zlib.error:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    return zlib.decompressobj()


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._stream.process(data, output_buffer_limit=_STEP_BYTES)
        while piece:
            yield piece
            if self._stream.can_accept_more_data():
                return
            piece = self._stream.process(b"", output_buffer_limit=_STEP_BYTES)


class _Zstd:
    """Decodes one frame after another (RFC 8878, 3.1)."""

    def __init__(self) -> None:
        self._frame = _zstd_frame()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._frame.eof:
                data += self._frame.unused_data
                if not data:
                    return
                self._frame = _zstd_frame()
            if piece := self._frame.decompress(data, _STEP_BYTES):
                yield piece
            data = b""
            if self._frame.needs_input:
                return


_library = zstd.library()


def _zstd_frame() -> Any:
    assert _library is not None, "not among ENCODINGS without it"
    return _library.ZstdDecompressor(options={_library.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})


_DECODERS: Mapping[str, Callable[[], _Decoder]] = MappingProxyType(
    {"gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate, "br": _Brotli, **({"zstd": _Zstd} if _library else {})}
)
ENCODINGS = frozenset(_DECODERS)
"""All encodings that can be decoded here; `zstd` needs its library."""
_ERRORS: tuple[type[Exception], ...] = (zlib.error, brotli.error, *([_library.ZstdError] if _library else []))


def accepted_by(header: str | None) -> frozenset[str]:
    """Return the encodings in ENCODINGS that an `accept-encoding` header asks for (RFC 9110, 12.5.3)."""
    parts = [part.partition(";") for part in (header or "").lower().split(",")]
    names = {name.strip() for name, _, weight in parts if _ZERO.search(weight) is None}
    return ENCODINGS if "*" in names else ENCODINGS & names
