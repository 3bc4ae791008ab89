"""Reads rows of CSV and of JSON lines as the values of a layout's columns, in its order."""

import csv
import json
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol, TextIO

import msgspec

from relayload.document.spelling import spelled
from relayload.profile.trace.files import fault
from relayload.profile.trace.layout import Layout

_LONGEST_HEADER = 10_000
_LONGEST_FIELD = 1 << 24
"""The longest field of any column, such as a prompt. An unclosed quote is noticed here at the latest."""
_NO_JSON = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)
"""The errors of the decoder; the last one is for values nested thousands deep."""
_SHOWN_LENGTH = 60

Values = tuple[Any, ...]


class Table(Protocol):
    """The rows of a file."""

    fields: tuple[str, ...]
    """The fields of the layout that the file has, in the order of the values."""

    @property
    def line(self) -> int:
        """The line of the row that was read last."""

    def __iter__(self) -> Iterator[Values]: ...

    def go_on(self, lines: TextIO, lines_before: int) -> None:
        """Continue with other lines of the same file."""

    def values(self, text: str) -> Values | None:
        """Parse a single line; return None if it is no row."""

    def column(self, place: int) -> int:
        """Return where a value of that row begins in its line, from 1."""


def table(path: Path, lines: TextIO, layout: Layout) -> Table:
    """Return the rows of an open file. Raises AuthorError if it lacks a column."""
    return JsonLines(path, lines, layout) if layout.lines else CsvTable(path, lines, layout)


class CsvTable:
    """CSV with the names of columns in its first line, in any order and possibly with more columns."""

    def __init__(self, path: Path, lines: TextIO, layout: Layout) -> None:
        self._path = path
        header = lines.readline(_LONGEST_HEADER)
        names = [name.strip() for name in next(csv.reader([header]), [])]
        missing = [name for field, name in layout.columns.items() if name not in names and field not in layout.optional]
        if missing:
            raise fault(path, f"there is no column {spelled(missing[0])}: {_found(names)}", 1, 1)
        self.fields = tuple(field for field, name in layout.columns.items() if name in names)
        self._width = len(names)
        self._places = [names.index(layout.columns[field]) for field in self.fields]
        self._pick = _picker(self._places)
        self._row: list[str] = []
        self.go_on(lines, lines_before=1)

    @property
    def line(self) -> int:
        return self._reader.line_num + self._lines_before

    def go_on(self, lines: TextIO, lines_before: int) -> None:
        self._reader = csv.reader(lines, strict=True)  # or else an unclosed quote silently swallows rows
        self._lines_before = lines_before

    def values(self, text: str) -> Values | None:
        try:
            row = next(csv.reader([text]), [])
        except csv.Error:
            return None
        return self._pick(row) if len(row) == self._width else None

    def __iter__(self) -> Iterator[Values]:
        width, pick = self._width, self._pick
        try:
            for row in _long(self._reader):
                if len(row) != width:
                    if not row or row == [""] or (len(row) == 1 and row[0].isspace()):
                        continue
                    raise fault(self._path, f"expected {width} columns, got {len(row)}", self.line, 1)
                self._row = row
                yield pick(row)
        except csv.Error as error:
            raise fault(self._path, f"is no row of CSV: {error}", self.line, 1) from None

    def column(self, place: int) -> int:
        return 1 + sum(len(text) + 1 for text in self._row[: self._places[place]])


def _long(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows with longer fields than the 131,072 characters that are allowed elsewhere."""
    while True:
        before = csv.field_size_limit(_LONGEST_FIELD)
        try:
            row = next(rows, None)
        finally:
            csv.field_size_limit(before)
        if row is None:
            return
        yield row


def _picker(places: list[int]) -> Callable[[list[str]], Values]:
    """Return a function that picks these places as a tuple, which itemgetter does for several places only."""
    if len(places) > 1:
        return itemgetter(*places)
    (place,) = places
    return lambda row: (row[place],)


def _found(names: list[str]) -> str:
    """Describe the columns of a file, cut to fit into a message."""
    if not any(names):
        return "the first line is empty"
    text = ", ".join(names)
    return f"found {text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + '…'}"


class JsonLines:
    """A JSON object on each line."""

    def __init__(self, path: Path, lines: TextIO, layout: Layout) -> None:
        self._path = path
        self.fields = tuple(layout.columns)
        self._keys = tuple(layout.columns.values())
        self._text = ""
        self.go_on(lines, lines_before=0)

    def go_on(self, lines: TextIO, lines_before: int) -> None:
        self._lines = lines
        self.line = lines_before

    def values(self, text: str) -> Values | None:
        try:
            row = msgspec.json.decode(text)
            return tuple([row[key] for key in self._keys])
        except (*_NO_JSON, KeyError, TypeError):
            return None

    def __iter__(self) -> Iterator[Values]:
        decode = msgspec.json.Decoder().decode
        keys = self._keys
        for line, text in enumerate(self._lines, start=self.line + 1):
            self.line, self._text = line, text
            try:
                row = decode(text)
                yield tuple([row[key] for key in keys])
            except _NO_JSON:
                if not text.isspace():
                    raise self._broken() from None
            except KeyError as missing:
                names = [str(name) for name in row]
                message = f"there is no {spelled(missing.args[0])}: {_found(names)}"
                raise fault(self._path, message, self.line, 1) from None
            except TypeError:
                raise fault(self._path, "expected a JSON object", self.line, 1) from None

    def column(self, place: int) -> int:
        return 1 + max(0, self._text.find(json.dumps(self._keys[place], ensure_ascii=False)))

    def _broken(self) -> Exception:
        try:
            json.loads(self._text.rstrip())
        except json.JSONDecodeError as error:
            return fault(self._path, f"is no JSON: {error.msg}", self.line, error.colno)
        except RecursionError:
            return fault(self._path, "is nested too deeply", self.line, 1)
        except ValueError:  # a number of thousands of digits
            pass
        return fault(self._path, "is no JSON", self.line, 1)
