"""Records files that are compressed: which are, how they are read piece by piece, and how they are written."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

from relayload.core.errors import AuthorError, Fault

_CHUNK_BYTES = 1 << 16
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


def check_at_hand(paths: Iterable[Path]) -> None:
    """Raises AuthorError if what one of the files needs is not installed."""
    for path in paths:
        if Compression.of(path) is Compression.ZSTD:
            _zstd(path)


def decompressed(path: Path) -> Iterator[bytes]:
    """The content of a compressed file, piece by piece. Raises CutShort after the last that could be read."""
    begin = _BEGIN[Compression.of(path)](path)
    stream = begin()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            while chunk:
                if stream.eof:  # compressed files may be strung together
                    stream = begin()
                yield _decompress(stream, chunk)
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


def _decompress(stream: Any, chunk: bytes) -> bytes:
    try:
        return cast(bytes, stream.decompress(chunk))
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
    """The library for zstd, which comes with Python from 3.14 on."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from backports import zstd  # type: ignore[no-redef, import-not-found, import-untyped, attr-defined, unused-ignore]
        except ImportError:
            fault = Fault("zstd is not installed here: write pip install 'relayload[zstd]'", file=str(path))
            raise AuthorError([fault]) from None
    return zstd
