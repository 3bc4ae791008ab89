"""Turns the rows of a trace file into requests, in seconds after the beginning of the replay."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, TextIO

from msgspec import Struct

from relayload.core.errors import AuthorError
from relayload.core.traffic.draws import uniform
from relayload.document.validation import nearest
from relayload.profile.trace import values
from relayload.profile.trace.files import fault, opened, packed
from relayload.profile.trace.layout import Layout, layout_of
from relayload.profile.trace.options import Trace
from relayload.profile.trace.seek import Place, last_before
from relayload.profile.trace.tables import Table, Values, table

_AT, _OUTPUT = 0, 2
_PLAIN = ("at", "input_tokens", "output_tokens")


class TraceRow(Struct, frozen=True, gc=False):
    """A request to send: its time in seconds after the beginning of the run, and what the trace has about it."""

    at_s: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    scenario: int | None = None
    session: str | None = None
    blocks: tuple[int, ...] = ()


def read(trace: Trace, seed: int, scenarios: Sequence[str]) -> Iterator[TraceRow]:
    """Yield the rows between `from` and `to` that are drawn to be sent.

    Raises AuthorError if the file, or the next row, can't be read. `scenarios` are the names that rows may have.
    """
    with opened(trace.trace) as lines:
        reader = _Reader(trace, table(trace.trace, lines, layout_of(trace)), scenarios)
        if not reader.begun():
            return
        place = reader.place()
        if place is None:
            yield from reader.rows(seed)
    if place is not None:
        with opened(trace.trace, place.offset) as lines:
            reader.go_on(lines, place.lines_before)
            yield from reader.rows(seed)


class _Reader:
    def __init__(self, trace: Trace, found: Table, scenarios: Sequence[str]) -> None:
        layout = layout_of(trace)
        self._trace = trace
        self._table = found
        self._names = [layout.columns[field] for field in found.fields]
        self._failures = layout.failures
        self._instant, *self._readers = _readers(found.fields, layout, scenarios)
        self._convert = _maker(found.fields, self._readers)
        self._begins_s = 0.0
        self._rows = iter(found)

    def begun(self) -> bool:
        """Read the first row, where the time of the trace begins even if it is not sent. False if there is none."""
        first = next(self._rows, None)
        if first is None:
            return False
        try:
            self._begins_s = self._instant(first[_AT])
        except values.Unreadable as error:
            raise self._fault(str(error)) from None
        self._rows = chain((first,), self._rows)
        return True

    def place(self) -> Place | None:
        """Return a place shortly before `from`; None if the file has to be read up to it.

        In a CSV of an unknown source a line need not be a row, so that is always read.
        """
        trace = self._trace
        if not trace.from_s or trace.format == "csv" or packed(trace.trace):
            return None
        return last_before(trace.trace, self._is_early)

    def go_on(self, lines: TextIO, lines_before: int) -> None:
        """Continue with lines farther down."""
        self._table.go_on(lines, lines_before)
        self._rows = iter(self._table)

    def rows(self, seed: int) -> Iterator[TraceRow]:
        """Yield the rows that are sent."""
        trace, instant, convert, failures = self._trace, self._instant, self._convert, self._failures
        before_s = self._begins_s
        from_s, speed = before_s + trace.from_s, trace.speed
        to_s = math.inf if trace.to_s is None else before_s + trace.to_s
        for row in self._rows:
            try:
                at_s = instant(row[_AT])
                made = convert((at_s - from_s) / speed, row) if at_s >= from_s else None
            except values.Unreadable:
                raise self._unreadable(row) from None
            if at_s < before_s:
                raise self._fault("is earlier than the row before it: sort the file by this")
            if at_s >= to_s:
                return
            before_s = at_s
            if made is None or (failures and row[_OUTPUT] == "0"):
                continue
            if trace.sample is None or self._drawn(made, seed) < trace.sample:
                yield made

    def _is_early(self, text: str) -> bool | None:
        """Return whether a line is a row before `from`; None if it is no row."""
        row = self._table.values(text)
        try:
            early: bool | None = None if row is None else self._instant(row[_AT]) < self._begins_s + self._trace.from_s
        except values.Unreadable:
            return None
        return early

    def _drawn(self, row: TraceRow, seed: int) -> float:
        """Draw by the line, so that other rows do not matter, or by the session, so that its requests stay together."""
        if row.session:
            return uniform(seed, 0, f"sample:{row.session}")
        return uniform(seed, self._table.line, "sample")

    def _unreadable(self, row: Values) -> AuthorError:
        """Return the error for the first value of the row that can't be read."""
        for place, (value, reader) in enumerate(zip(row, (self._instant, *self._readers), strict=True)):
            try:
                reader(value)
            except values.Unreadable as error:
                return self._fault(str(error), place)
        raise AssertionError("every value reads")

    def _fault(self, message: str, place: int = _AT) -> AuthorError:
        column = self._table.column(place)
        return fault(self._trace.trace, message, self._table.line, column, name=self._names[place])


def _readers(fields: Sequence[str], layout: Layout, scenarios: Sequence[str]) -> list[values.Read]:
    """Return the reader for the values of each field."""
    places = {name: place for place, name in enumerate(scenarios)}
    readers: dict[str, values.Read] = {
        "at": values.instants(layout.unit),
        "input_tokens": values.tokens,
        "output_tokens": values.tokens,
        "model": values.name,
        "scenario": lambda value: _scenario(value, places),
        "session": values.name,
        "blocks": values.blocks,
    }
    return [readers[field] for field in fields]


def _scenario(value: Any, places: dict[str, int]) -> int:
    name = values.name(value) or ""
    if name not in places:
        raise values.Unreadable(f"unknown scenario '{name}'{nearest(name, places)}")
    return places[name]


def _maker(fields: Sequence[str], readers: Sequence[values.Read]) -> Callable[[float, Values], TraceRow]:
    """Return a function that makes rows. Rows of times and tokens alone, the usual ones, are made without a loop."""
    if tuple(fields) == _PLAIN:
        tokens = values.tokens
        return lambda at_s, row: TraceRow(at_s, tokens(row[1]), tokens(row[2]))
    names = fields[1:]

    def convert(at_s: float, row: Values) -> TraceRow:
        fields = {name: reader(value) for name, reader, value in zip(names, readers, row[1:], strict=True)}
        return TraceRow(at_s, **fields)

    return convert
