"""The lines of a records file: written one by one, read by the piece, also from compressed files."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from relayload.core.results.record import Line
from relayload.recording.compression import Compression, CutShort, decompressed

_PIECE_BYTES = 1 << 18
_COMPRESSED_TO = 10
"""How many times larger records are, about, before they are compressed."""


class RecordWriter:
    """Appends lines to one worker's file: one write each, so that a killed process leaves every finished line."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._encode = msgspec.json.Encoder().encode

    def write(self, line: Line) -> None:
        data = self._encode(line) + b"\n"
        if os.write(self._file, data) != len(data):
            raise OSError(f"the disk took only part of a record of {len(data)} bytes")

    def close(self) -> None:
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of a records file that can't be read."""

    file: str
    number: int
    torn: bool
    """It is the last line and has no end, as a killed worker leaves it."""
    cut: bool = False
    """From this line on, the compressed file is cut short or damaged."""

    def __str__(self) -> str:
        if self.cut:
            return f"{self.file}:{self.number}: the compressed file is cut short or damaged from here on"
        what = "is torn: its worker was killed while it wrote" if self.torn else "is not a record"
        return f"{self.file}:{self.number}: the line {what}"


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a file that begin at `first_byte` or later, and before `end_byte`."""

    path: Path
    first_byte: int
    end_byte: int


def parts(paths: list[Path], count: int) -> list[list[Part]]:
    """All lines of the files in `count` shares of about the same size; a compressed file is not divided."""
    whole = [path for path in paths if Compression.of(path)]
    shares = _divided([path for path in paths if path not in whole], count)
    for path in sorted(whole, key=_size, reverse=True):
        min(shares, key=_bytes).append(Part(path, 0, _size(path)))
    return shares


def expected_bytes(path: Path) -> int:
    """How large the lines of a file are, about."""
    return _size(path) * (_COMPRESSED_TO if Compression.of(path) else 1)


def _size(path: Path) -> int:
    return path.stat().st_size


def _bytes(share: list[Part]) -> int:
    return sum(
        expected_bytes(part.path) if Compression.of(part.path) else part.end_byte - part.first_byte for part in share
    )


def _divided(paths: list[Path], count: int) -> list[list[Part]]:
    sizes = [path.stat().st_size for path in paths]
    share = sum(sizes) // count + 1
    shares: list[list[Part]] = [[] for _ in range(count)]
    before = 0
    for path, size in zip(paths, sizes, strict=True):
        at = 0
        while at < size:
            number, room = (before + at) // share, share - (before + at) % share
            shares[number].append(Part(path, at, min(size, at + room)))
            at += room
        before += size
    return shares


def read(part: Part, damages: list[Damage]) -> Iterator[list[Line]]:
    """The lines of a part, some hundred at a time; those that can't be read are told in `damages`."""
    decode_lines = msgspec.json.Decoder(Line).decode_lines
    for piece in _pieces(part, damages):
        try:
            yield decode_lines(piece.data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield _readable(part.path.name, piece, damages)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines, and a way to find the number of the first."""

    data: bytes
    first_number: Callable[[], int]


def _pieces(part: Part, damages: list[Damage]) -> Iterator[_Piece]:
    return _decompressed_pieces(part.path, damages) if Compression.of(part.path) else _plain_pieces(part)


def _plain_pieces(part: Part) -> Iterator[_Piece]:
    """Whole lines, as long as they begin before the end of the part."""
    with part.path.open("rb") as file:
        at = _line_start(file, part.first_byte)
        while at < part.end_byte:
            data = file.read(min(_PIECE_BYTES, part.end_byte - at))
            if not data.endswith(b"\n"):
                data += file.readline()
            if not data:
                return
            yield _Piece(data, partial(_number, part.path, at))
            at += len(data)


def _decompressed_pieces(path: Path, damages: list[Damage]) -> Iterator[_Piece]:
    """Whole lines; what is left without its end comes last."""
    number, rest = 1, b""
    try:
        for data in decompressed(path):
            lines, end, rest = (rest + data).rpartition(b"\n")
            if end:
                yield _Piece(lines + end, partial(int, number))
                number += lines.count(b"\n") + 1
    except CutShort:
        damages.append(Damage(path.name, number, torn=False, cut=True))
        return
    if rest:
        yield _Piece(rest, partial(int, number))


def _line_start(file: BinaryIO, at: int) -> int:
    """Move to the first line that begins at that byte or later."""
    if at:
        file.seek(at - 1)
        file.readline()
    return file.tell()


def _readable(name: str, piece: _Piece, damages: list[Damage]) -> list[Line]:
    """Those lines of a piece that can be read."""
    decode = msgspec.json.Decoder(Line).decode
    lines: list[Line] = []
    for position, data in enumerate(BytesIO(piece.data)):
        try:
            lines.append(decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError):
            damages.append(Damage(name, piece.first_number() + position, torn=not data.endswith(b"\n")))
    return lines


def _number(path: Path, at: int) -> int:
    """The number of the line that begins at a byte, counting from 1."""
    with path.open("rb") as file:
        return file.read(at).count(b"\n") + 1
