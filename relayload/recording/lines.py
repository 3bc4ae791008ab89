"""Writes the lines of a records file one by one, and reads them in pieces, also from compressed files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from relayload.core.model.amounts import MOST
from relayload.core.model.kept_records import EVERY_RECORD, KeptRecords
from relayload.core.model.record import Line, Record, recordable
from relayload.files import opened
from relayload.recording.cleaning import cleaned
from relayload.recording.compression import Compression, CutShort, TooMuchData, decompressed
from relayload.recording.growing_file import PLAIN, GrowingFile, Storage

MOST_LINE_BYTES = 16 << 20
"""The longest line that is read. No request records as much, and longer lines could exhaust the memory."""
NO_RECORD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding an invalid line raises; RecursionError if its JSON is nested too deeply."""
_LONGEST_WRITTEN = 1 << 20
_MOST_LISTED = 20
"""How many damaged lines of a file are listed. The rest is counted."""
_PIECE_BYTES = 1 << 20
_COMPRESSED_TO = 10
"""The approximate compression ratio of records."""


class RecordWriter:
    """Appends lines to one worker's file with one write each, so that a killed process leaves every finished line."""

    def __init__(self, path: Path, kept: KeptRecords = EVERY_RECORD, storage: Storage = PLAIN) -> None:
        """Write only the lines that are `kept`. Raises AuthorError if the file can't be made."""
        self._file = GrowingFile(path, storage)
        self._kept = kept
        self._encode = msgspec.json.Encoder().encode

    def write(self, line: Line) -> Line:
        """Append a line if it is kept, and return it as it is or would be recorded.

        A request that can't be recorded as it is loses the relay's texts and counts. Raises AuthorError if the disk is
        full.
        """
        data = self._data(line)
        if data is None:
            assert isinstance(line, Record), line
            line = recordable(line)
            data = self._encode(line)
        if line in self._kept:
            self._file.append(data + b"\n")
        return line

    def flush(self) -> None:
        """Write what waits to be compressed. Raises AuthorError if the disk is full, or the file was removed."""
        self._file.flush()
        self._file.check()

    def close(self) -> None:
        """Raises AuthorError if the disk is full."""
        self._file.close()

    def _data(self, line: Line) -> bytes | None:
        """Encode a line; None for a request whose line could not be read again."""
        if not isinstance(line, Record):
            return self._encode(line)
        try:
            data = self._encode(line)
        except (OverflowError, UnicodeEncodeError):
            return None
        return data if len(data) <= _LONGEST_WRITTEN and _countable(line) else None


def _countable(record: Record) -> bool:
    """Return whether its counts are small enough to be summed."""
    for attempt in record.attempts:
        for count in (
            attempt.input_tokens,
            attempt.cached_input_tokens,
            attempt.output_tokens,
            attempt.reasoning_tokens,
        ):
            if count and not 0 < count <= MOST:
                return False
    return True


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of a records file that can't be read."""

    file: str
    number: int
    torn: bool
    """It is the last line and incomplete, as a killed worker leaves it."""
    cut: bool = False
    """From this line on, the compressed file is cut short or damaged."""
    endless: bool = False
    """It is longer than a record can be; what follows is not read."""
    swollen: bool = False
    """From this line on, the compressed file holds more than a run can have recorded."""
    more: int = 0
    """The number of further unreadable lines that this one stands for."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.number}"
        if self.cut:
            return f"{place}: the compressed file is cut short or damaged from here on"
        if self.swollen:
            return f"{place}: the compressed file grows to more than a run can leave; it is not read from here on"
        if self.endless:
            return f"{place}: the line is longer than {MOST_LINE_BYTES >> 20} MB; the file is not read from here on"
        if self.more:
            return f"{place}: this line and {self.more:,} after it are not records"
        what = "is torn: its worker was killed while it wrote" if self.torn else "is not a record"
        return f"{place}: the line {what}"


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a file that begin at or after `first_byte` and before `end_byte`."""

    path: Path
    first_byte: int
    end_byte: int


def parts(paths: list[Path], count: int) -> list[list[Part]]:
    """Divide the files into `count` shares of about the same size. Compressed files are not divided."""
    whole = [path for path in paths if Compression.of(path)]
    shares = _divided([path for path in paths if path not in whole], count)
    for path in sorted(whole, key=_size, reverse=True):
        min(shares, key=_bytes).append(Part(path, 0, _size(path)))
    return shares


def expected_bytes(path: Path) -> int:
    """Return the approximate uncompressed size of a file."""
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


def read(part: Part, damages: list[Damage], kinds: Any = Line) -> Iterator[list[Any]]:
    """Yield the lines of a part, some hundred at a time, as values of these kinds.

    Unreadable lines are appended to `damages`.
    """
    decoder = msgspec.json.Decoder(kinds)
    unread = _Unread(part.path.name, damages)
    for piece in _pieces(part, unread):
        data = cleaned(piece.data)
        try:
            yield decoder.decode_lines(data)
        except NO_RECORD:
            yield _readable(data, piece.first_number, unread, decoder.decode)
    unread.report_rest()


class _Unread:
    """Collects the unreadable lines of a file: the first ones individually, the rest as a count."""

    def __init__(self, name: str, damages: list[Damage]) -> None:
        self.name = name
        self._damages = damages
        self._listed = 0
        self._rest: tuple[int, int] | None = None

    def add(self, number: Callable[[], int], **how: bool) -> None:
        if self._listed < _MOST_LISTED:
            self._listed += 1
            self._damages.append(Damage(self.name, number(), **{"torn": False, **how}))
        elif self._rest is None:
            self._rest = number(), 0
        else:
            self._rest = self._rest[0], self._rest[1] + 1

    def end(self, number: int, **how: bool) -> None:
        """Note that nothing is read from this line on."""
        self._damages.append(Damage(self.name, number, torn=False, **how))

    def report_rest(self) -> None:
        if self._rest is not None:
            number, more = self._rest
            self._damages.append(Damage(self.name, number, torn=False, more=more))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines, and a function that finds the number of the first."""

    data: bytes
    first_number: Callable[[], int]


def _pieces(part: Part, unread: _Unread) -> Iterator[_Piece]:
    return _decompressed_pieces(part.path, unread) if Compression.of(part.path) else _plain_pieces(part, unread)


def _plain_pieces(part: Part, unread: _Unread) -> Iterator[_Piece]:
    """Yield whole lines that begin within the part."""
    numbers = _Numbers(part.path)
    with opened(part.path) as file:
        at = _line_start(file, part.first_byte)
        while at < part.end_byte:
            data = file.read(min(_PIECE_BYTES, part.end_byte - at))
            if not data.endswith(b"\n"):
                data += file.readline(MOST_LINE_BYTES)
            if not data:
                return
            if len(data) > MOST_LINE_BYTES and not data.endswith(b"\n"):
                whole = data.rfind(b"\n") + 1
                if whole:
                    yield _Piece(data[:whole], partial(numbers.of, at))
                unread.end(numbers.of(at + whole), endless=True)
                return
            yield _Piece(data, partial(numbers.of, at))
            at += len(data)


def _decompressed_pieces(path: Path, unread: _Unread) -> Iterator[_Piece]:
    """Yield whole lines; an incomplete one comes last."""
    number, rest = 1, b""
    try:
        for data in decompressed(path):
            lines, end, rest = (rest + data).rpartition(b"\n")
            if end:
                yield _Piece(lines + end, partial(int, number))
                number += lines.count(b"\n") + 1
            if len(rest) > MOST_LINE_BYTES:
                unread.end(number, endless=True)
                return
    except TooMuchData:
        unread.end(number, swollen=True)
        return
    except CutShort:
        unread.end(number, cut=True)
        return
    if rest:
        yield _Piece(rest, partial(int, number))


def _line_start(file: BinaryIO, at: int) -> int:
    """Move to the first line that begins at or after a byte (or into the middle of a line that is too long)."""
    if at:
        file.seek(at - 1)
        file.readline(MOST_LINE_BYTES)
    return file.tell()


def _readable(
    data: bytes, first_number: Callable[[], int], unread: _Unread, decode: Callable[[bytes], Any]
) -> list[Any]:
    """Return the readable lines of a piece."""
    lines: list[Any] = []
    for position, line in enumerate(BytesIO(data)):
        try:
            lines.append(decode(line))
        except NO_RECORD:
            unread.add(partial(_plus, first_number, position), torn=not line.endswith(b"\n"))
    return lines


def _plus(first_number: Callable[[], int], position: int) -> int:
    return first_number() + position


class _Numbers:
    """Finds the numbers, from 1, of lines that begin at given bytes of a file, in ascending order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at, self._number = 0, 1

    def of(self, at: int) -> int:
        """Return the number of the line at this byte. What lies before is read only once. Raises OSError."""
        with opened(self._path) as file:
            file.seek(self._at)
            self._number += sum(piece.count(b"\n") for piece in _read_until(file, at))
        self._at = at
        return self._number


def _read_until(file: BinaryIO, end: int) -> Iterable[bytes]:
    while (left := end - file.tell()) > 0 and (piece := file.read(min(left, _PIECE_BYTES))):
        yield piece
