"""Rows of CSV and of JSON lines, as the values of the columns that a layout names, in its order."""

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
"""Of a column that may not even be read, such as a prompt. A quote that nobody closes is noticed here at the latest."""
_NO_JSON = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)
"""What the decoder raises; the last for what is nested thousands deep."""
_SHOWN_LENGTH = 60

Values = tuple[Any, ...]


class Table(Protocol):
    """A file of rows."""

    fields: tuple[str, ...]
    """Of the values, in their order: those of the layout that are there."""

    @property
    def line(self) -> int:
        """Of the row that was read last."""

    def __iter__(self) -> Iterator[Values]: ...

    def go_on(self, lines: TextIO, lines_before: int) -> None:
        """With other lines of the same file."""

    def values(self, text: str) -> Values | None:
        """Those of a line that stands alone, None where it is no row."""

    def column(self, place: int) -> int:
        """Where a value of that row begins in its line, from 1."""


def table(path: Path, lines: TextIO, layout: Layout) -> Table:
    """The rows of an open file. AuthorError where it lacks a column."""
    return JsonLines(path, lines, layout) if layout.lines else CsvTable(path, lines, layout)


class CsvTable:
    """With the names of the columns in its first line; the others may come in any order, and others too."""

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
        self._reader = csv.reader(lines, strict=True)  # else a quote that nobody closes swallows rows without a word
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
    """The rows, whose fields may be longer than the 131,072 characters that are let through elsewhere."""
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
    """itemgetter gives a tuple for several places only."""
    if len(places) > 1:
        return itemgetter(*places)
    (place,) = places
    return lambda row: (row[place],)


def _found(names: list[str]) -> str:
    """The columns of a file, as far as they fit into a message."""
    if not any(names):
        return "the first line is empty"
    text = ", ".join(names)
    return f"found {text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + '…'}"


class JsonLines:
    """An object on each line."""

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
