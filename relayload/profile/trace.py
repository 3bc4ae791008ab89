"""Recorded traffic: the rows of a trace file, streamed from disk.

Azure's LLM inference traces (Patel et al., Splitwise, ISCA 2024) are CSV: `TIMESTAMP`, such as
`2023-11-16 18:15:46.6805900`, `ContextTokens` and `GeneratedTokens`.

What can't be sent as it was recorded:

- a row that asked for or answered no token is sent with one: no API takes an empty prompt or an empty budget;
- a row earlier than the one before it is a fault: its true place is unknown, and after a jump back of hours, as where
  two files were joined, everything that follows would be due at once.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from relayload.core.errors import AuthorError, Fault
from relayload.profile.loads import Trace
from relayload.profile.types import spelled

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")

_TIME = (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:[0-5]\d(\.\d+)?", re.ASCII), "a time such as '2023-11-16 18:15:46.68'")
_TOKENS = (re.compile(r"\d{1,7}", re.ASCII), "a number of tokens below ten million")
_ROW = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d):([0-5]\d(?:\.\d+)?),(\d{1,7}),(\d{1,7})\s*", re.ASCII)
_LONGEST_HEADER = 1000
_SHOWN_LENGTH = 60


class TraceRow(NamedTuple):
    """A request to send: seconds after the first row at the speed of the replay, and its size."""

    at_s: float
    input_tokens: int
    output_tokens: int


def rows(trace: Trace) -> Iterator[TraceRow]:
    """The rows to send, in order. Raises AuthorError where the file, or the next row, can't be read."""
    return islice(_rows(trace), trace.limit)


def check(trace: Trace, most: int | None = None) -> int:
    """Read the rows that would be sent, all or only the first, and count them. Raises AuthorError."""
    count = sum(1 for _ in islice(rows(trace), most))
    if not count:
        raise AuthorError([Fault("holds no rows", file=str(trace.trace))])
    return count


def _rows(trace: Trace) -> Iterator[TraceRow]:
    read = _Reader(trace).row
    try:
        with trace.trace.open(encoding="utf-8-sig", errors="replace") as lines:
            _check_header(trace, lines.readline(_LONGEST_HEADER))
            for number, line in enumerate(lines, start=2):
                if not line.isspace():
                    yield read(number, line)
    except OSError as error:
        raise AuthorError([Fault(f"cannot be read: {error.strerror}", file=str(trace.trace))]) from error


def _check_header(trace: Trace, line: str) -> None:
    columns = ",".join(COLUMNS)
    if line.strip() != columns:
        got = spelled(line.strip()[:_SHOWN_LENGTH]) if line.strip() else "nothing"
        raise _fault(trace, 1, 1, f"expected the columns {columns}, got {got}")


class _Reader:
    """Reads rows in order. A minute is parsed once, so that a row costs one match and three numbers."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._minute = ""
        self._minute_at_s = 0.0
        self._origin: datetime | None = None
        self._first_s: float | None = None
        self._previous_s = 0.0

    def row(self, number: int, line: str) -> TraceRow:
        match = _ROW.fullmatch(line)
        if not match:
            raise _unreadable(self._trace, number, line)
        minute, second, input_tokens, output_tokens = match.groups()
        if minute != self._minute:
            self._begin(number, minute)
        at_s = self._minute_at_s + float(second)
        if self._first_s is None:
            self._first_s = at_s
        elif at_s < self._previous_s:
            raise _fault(self._trace, number, 1, "is earlier than the row before it: sort the file by TIMESTAMP")
        self._previous_s = at_s
        due_s = (at_s - self._first_s) / self._trace.speed
        return TraceRow(due_s, int(input_tokens) or 1, int(output_tokens) or 1)

    def _begin(self, number: int, minute: str) -> None:
        try:
            at = datetime.fromisoformat(minute)
        except ValueError:
            raise _fault(self._trace, number, 1, f"there is no such time as '{minute}'") from None
        self._origin = self._origin or at
        self._minute, self._minute_at_s = minute, (at - self._origin).total_seconds()


def _unreadable(trace: Trace, number: int, line: str) -> AuthorError:
    """What is wrong with a row: the first field that does not read, or their number."""
    fields = line.rstrip("\r\n").split(",")
    column = 1
    for text, (pattern, expected) in zip(fields, (_TIME, _TOKENS, _TOKENS), strict=False):
        if not pattern.fullmatch(text):
            return _fault(trace, number, column, f"expected {expected}, got '{text[:_SHOWN_LENGTH]}'")
        column += len(text) + 1
    return _fault(trace, number, 1, f"expected {len(COLUMNS)} columns, got {len(fields)}")


def _fault(trace: Trace, line: int, column: int, message: str) -> AuthorError:
    return AuthorError([Fault(message, "", str(trace.trace), line, column)])
