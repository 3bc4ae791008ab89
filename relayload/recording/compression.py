"""Detects compressed records files, reads them piece by piece, and writes them."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

from relayload import zstd
from relayload.core.errors import AuthorError, Fault
from relayload.files import opened

_CHUNK_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_MOST_TIMES = 300
"""The highest plausible compression ratio. Records shrink 10 to 20 times; even with equal requests less than 100."""
_NEVER_TOO_MUCH_BYTES = 64 << 20
_GZIP_WINDOW = 31
"""zlib's `wbits` for a gzip header and the largest window."""


class Compression(StrEnum):
    """The compression of a records file, by the end of its name."""

    NONE = ""
    GZIP = ".gz"
    ZSTD = ".zst"

    @classmethod
    def of(cls, path: Path) -> "Compression":
        return cls(path.suffix) if path.suffix in list(cls) else cls.NONE


class CutShort(Exception):
    """The compressed data ends too early, or is damaged."""


class TooMuchData(CutShort):
    """The data expands to more than a run can have recorded."""


def check_installed(paths: Iterable[Path]) -> None:
    """Raise AuthorError if the library that one of the files needs is not installed."""
    for path in paths:
        if Compression.of(path) is Compression.ZSTD:
            _zstd(path)


def decompressed(path: Path) -> Iterator[bytes]:
    """Yield the content of a compressed file in pieces of at most 1 MB, whatever the compression ratio.

    Raises CutShort after the last readable piece, and OSError if the file can't be read.
    """
    begin = _BEGIN[Compression.of(path)](path)
    stream = begin()
    read = given = 0
    with opened(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            read += len(chunk)
            while chunk:
                if stream.eof:  # compressed files may be concatenated
                    stream = begin()
                for piece in _inflated(stream, chunk):
                    given += len(piece)
                    if given > _MOST_TIMES * read + _NEVER_TOO_MUCH_BYTES:
                        raise TooMuchData
                    yield piece
                chunk = stream.unused_data
    if not stream.eof:
        raise CutShort


def opened_to_write(path: Path) -> BinaryIO:
    """Open a file for writing, compressed according to its name."""
    match Compression.of(path):
        case Compression.GZIP:
            return cast(BinaryIO, gzip.open(path, "wb", compresslevel=6))
        case Compression.ZSTD:
            return cast(BinaryIO, _zstd(path).open(path, "wb"))
        case Compression.NONE:
            return path.open("wb")


def best_known() -> Compression:
    """Return the compression that this process can write and read with the least CPU time."""
    return Compression.GZIP if zstd.library() is None else Compression.ZSTD


def pack(data: bytes, compression: Compression) -> bytes:
    """Compress some data at the least CPU time."""
    if compression is Compression.ZSTD:
        return cast(bytes, zstd.library().compress(data, 1))  # type: ignore[union-attr] # as best_known has it
    return gzip.compress(data, 1)


def unpack(data: bytes, compression: Compression, most_bytes: int) -> bytes:
    """Undo `pack`. Raises CutShort for damaged data, and for more than that many bytes."""
    stream = _zstd(Path("zstd")).ZstdDecompressor() if compression is Compression.ZSTD else _gzip_stream()
    try:
        unpacked = cast(bytes, stream.decompress(data, most_bytes))
    except Exception as error:
        raise _cut_short(error) from None
    if not stream.eof:
        raise CutShort
    return unpacked


def _inflated(stream: Any, chunk: bytes) -> Iterator[bytes]:
    """Yield the decompressed data of a chunk, step by step."""
    while True:
        piece = _decompress(stream, chunk)
        chunk = getattr(stream, "unconsumed_tail", b"")  # zstd keeps unconsumed input itself
        yield piece
        if stream.eof or not (chunk or len(piece) == _PIECE_BYTES):
            return


def _decompress(stream: Any, chunk: bytes) -> bytes:
    try:
        return cast(bytes, stream.decompress(chunk, _PIECE_BYTES))
    except Exception as error:
        raise _cut_short(error) from None


def _cut_short(error: Exception) -> Exception:
    """Return CutShort for an error that damaged data causes; any other error as it is."""
    return CutShort() if isinstance(error, zlib.error) or type(error).__name__ == "ZstdError" else error


def _gzip_stream() -> Any:
    return zlib.decompressobj(_GZIP_WINDOW)


def _gzip_streams(_: Path) -> Callable[[], Any]:
    return _gzip_stream


def _zstd_streams(path: Path) -> Callable[[], Any]:
    return cast(Callable[[], Any], _zstd(path).ZstdDecompressor)


_BEGIN = {Compression.GZIP: _gzip_streams, Compression.ZSTD: _zstd_streams}


def _zstd(path: Path) -> Any:
    """Return the zstd library. Raises AuthorError if it is not installed."""
    library = zstd.library()
    if library is None:
        fault = Fault("zstd is not installed here: write pip install 'relayload[zstd]'", file=str(path))
        raise AuthorError([fault])
    return library
