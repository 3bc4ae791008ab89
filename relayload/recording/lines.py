"""The lines of a records file: written one by one, read by the piece."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from relayload.core.results.record import Line

_PIECE_BYTES = 1 << 17


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

    def __str__(self) -> str:
        what = "is torn: its worker was killed while it wrote" if self.torn else "is not a record"
        return f"{self.file}:{self.number}: the line {what}"


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a file that begin at `first_byte` or later, and before `end_byte`."""

    path: Path
    first_byte: int
    end_byte: int


def parts(paths: list[Path], count: int) -> list[list[Part]]:
    """All lines of the files in `count` shares of about the same size."""
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
    decoder = msgspec.json.Decoder(Line)
    with part.path.open("rb") as file:
        at = _line_start(file, part.first_byte)
        for piece in _pieces(file, at, part.end_byte):
            try:
                yield decoder.decode_lines(piece)
            except (msgspec.DecodeError, UnicodeDecodeError):
                yield _readable(part.path, at, piece, damages)
            at += len(piece)


def _line_start(file: BinaryIO, at: int) -> int:
    """Move to the first line that begins at that byte or later."""
    if at:
        file.seek(at - 1)
        file.readline()
    return file.tell()


def _pieces(file: BinaryIO, at: int, end: int) -> Iterator[bytes]:
    """Whole lines, as long as they begin before the end."""
    while at < end:
        piece = file.read(min(_PIECE_BYTES, end - at))
        if not piece.endswith(b"\n"):
            piece += file.readline()
        if not piece:
            return
        yield piece
        at += len(piece)


def _readable(path: Path, at: int, piece: bytes, damages: list[Damage]) -> list[Line]:
    decode = msgspec.json.Decoder(Line).decode
    lines: list[Line] = []
    for data in BytesIO(piece):
        try:
            lines.append(decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError):
            damages.append(Damage(path.name, _number(path, at), torn=not data.endswith(b"\n")))
        at += len(data)
    return lines


def _number(path: Path, at: int) -> int:
    """The number of the line that begins at a byte, counting from 1."""
    with path.open("rb") as file:
        return file.read(at).count(b"\n") + 1
