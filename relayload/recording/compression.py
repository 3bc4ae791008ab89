"""Records files that are compressed: which are, how they are read piece by piece, and how they are written."""

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
"""Records become 10 to 20 times smaller. Of a run whose requests were all alike they would not become 100 times."""
_NEVER_TOO_MUCH_BYTES = 64 << 20
_GZIP_WINDOW = 31
"""What zlib wants to hear for gzip's header and the largest window."""


class Compression(StrEnum):
    """How the records of a worker are kept: the end of the file's name."""

    NONE = ""
    GZIP = ".gz"
    ZSTD = ".zst"

    @classmethod
    def of(cls, path: Path) -> "Compression":
        return cls(path.suffix) if path.suffix in list(cls) else cls.NONE


class CutShort(Exception):
    """The compressed data ends too early, or is not what it should be."""


class Swollen(CutShort):
    """The data is larger than what was compressed of a run can be."""


def check_at_hand(paths: Iterable[Path]) -> None:
    """Raises AuthorError if what one of the files needs is not installed."""
    for path in paths:
        if Compression.of(path) is Compression.ZSTD:
            _zstd(path)


def decompressed(path: Path) -> Iterator[bytes]:
    """The content of a compressed file in pieces of a megabyte at most, however much a few bytes stand for.

    Raises CutShort after the last that could be read, and OSError if the file can't be.
    """
    begin = _BEGIN[Compression.of(path)](path)
    stream = begin()
    read = given = 0
    with opened(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            read += len(chunk)
            while chunk:
                if stream.eof:  # compressed files may be strung together
                    stream = begin()
                for piece in _inflated(stream, chunk):
                    given += len(piece)
                    if given > _MOST_TIMES * read + _NEVER_TOO_MUCH_BYTES:
                        raise Swollen
                    yield piece
                chunk = stream.unused_data
    if not stream.eof:
        raise CutShort


def opened_to_write(path: Path) -> BinaryIO:
    """A file whose content is compressed as its name says."""
    match Compression.of(path):
        case Compression.GZIP:
            return cast(BinaryIO, gzip.open(path, "wb", compresslevel=6))
        case Compression.ZSTD:
            return cast(BinaryIO, _zstd(path).open(path, "wb"))
        case Compression.NONE:
            return path.open("wb")


def _inflated(stream: Any, chunk: bytes) -> Iterator[bytes]:
    """What a chunk of compressed data stands for, step by step."""
    while True:
        piece = _decompress(stream, chunk)
        chunk = getattr(stream, "unconsumed_tail", b"")  # zstd keeps what it has not looked at yet
        yield piece
        if stream.eof or not (chunk or len(piece) == _PIECE_BYTES):
            return


def _decompress(stream: Any, chunk: bytes) -> bytes:
    try:
        return cast(bytes, stream.decompress(chunk, _PIECE_BYTES))
    except Exception as error:
        if isinstance(error, zlib.error) or type(error).__name__ == "ZstdError":
            raise CutShort from None
        raise


def _gzip_streams(_: Path) -> Callable[[], Any]:
    return lambda: zlib.decompressobj(_GZIP_WINDOW)


def _zstd_streams(path: Path) -> Callable[[], Any]:
    return cast(Callable[[], Any], _zstd(path).ZstdDecompressor)


_BEGIN = {Compression.GZIP: _gzip_streams, Compression.ZSTD: _zstd_streams}


def _zstd(path: Path) -> Any:
    """The library for zstd. Raises AuthorError where it is not installed."""
    library = zstd.library()
    if library is None:
        fault = Fault("zstd is not installed here: write pip install 'relayload[zstd]'", file=str(path))
        raise AuthorError([fault])
    return library
