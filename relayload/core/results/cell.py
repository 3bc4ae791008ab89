"""All requests of a run that share every tag, as columns: the smallest piece that tables and objectives add up.

A column holds one float per request, in the order they were recorded; NaN is "not measured", since an array of
floats has no None. This keeps a million requests in 72 MB, where a million objects would take ten times that.
"""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, compress
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from relayload.core.results.histogram import Histogram
from relayload.core.results.record import Attempt, Outcome, Record
from relayload.core.results.sample import Moments
from relayload.core.results.tries import Tries

_NOT_MEASURED = math.nan
_NO_FAILURES = (Outcome.OK.value, Outcome.CANCELLED.value)


class Place(NamedTuple):
    """Where in the plan a request belongs."""

    scenario: str
    model: str
    stage: str
    measured: bool
    target: str | None = None
    """None where there is only one."""


class Key(NamedTuple):
    """What the requests of a cell have in common. Outcome, error and kind are plain text, which hashes fast."""

    place: Place
    outcome: str
    status: int | None
    error: str | None
    kind: str | None = None
    """What the client made of the last attempt."""

    @property
    def ok(self) -> bool:
        return self.outcome == Outcome.OK.value

    @property
    def failed(self) -> bool:
        """Whether somebody waited in vain: neither ok nor cancelled by the client itself."""
        return self.outcome not in _NO_FAILURES


class Tokens:
    """Token counts added up, as far as relays told them."""

    __slots__ = ("cached_input", "counted", "input", "output", "reasoning", "told")

    def __init__(self) -> None:
        self.input = self.cached_input = self.output = self.reasoning = 0
        self.told = 0
        """Attempts of which the relay told how much went in."""
        self.counted = 0
        """Attempts whose output tokens are counted chunks."""

    def extend(self, attempts: Sequence[Attempt]) -> None:
        told = [count for count in map(attrgetter("input_tokens"), attempts) if count is not None]
        self.input += sum(told)
        self.told += len(told)
        self.cached_input += sum(filter(None, map(attrgetter("cached_input_tokens"), attempts)))
        self.output += sum(filter(None, map(attrgetter("output_tokens"), attempts)))
        self.reasoning += sum(filter(None, map(attrgetter("reasoning_tokens"), attempts)))
        self.counted += sum(map(attrgetter("counted"), attempts))

    def without(self, part: "Tokens") -> "Tokens":
        """What is left once a part of these is taken out."""
        left = Tokens()
        for name in Tokens.__slots__:
            setattr(left, name, getattr(self, name) - getattr(part, name))
        return left

    def merge(self, other: "Tokens") -> None:
        self.input += other.input
        self.cached_input += other.cached_input
        self.output += other.output
        self.reasoning += other.reasoning
        self.counted += other.counted
        self.told += other.told


class _Tail(NamedTuple):
    """The values above some value, and the instants at which their requests were due."""

    above: float
    values: "array[float]"
    due_s: "array[float]"


class Cell:
    """The columns of one key."""

    __slots__ = (
        "_derived",
        "_moments",
        "_ordered",
        "_tails",
        "attempts",
        "buffered",
        "columns",
        "gaps",
        "indices",
        "retried",
        "retries",
        "tokens",
        "tries",
    )

    def __init__(self) -> None:
        self.columns = {name: array("d") for name in _STORED}
        self.indices = array("q")
        """Of the arrivals, -1 for later turns; kept where there are several targets, to find those sent as one."""
        self.gaps = Histogram()
        self.tokens = Tokens()
        self.retried = Tokens()
        """Of the tokens, those of attempts that another one followed."""
        self.attempts = 0
        self.retries = 0
        self.tries = Tries()
        self.buffered = 0
        self._forget()

    def __len__(self) -> int:
        return len(self.due_s)

    @property
    def due_s(self) -> "array[float]":
        return self.columns["due"]

    def extend(self, records: Sequence[Record]) -> None:
        """Add requests: column by column, which costs a fifth of request by request."""
        self._forget()
        self.columns["due"].fromlist(list(map(attrgetter("intended_at_s"), records)))
        self.columns["late"].fromlist(list(map(attrgetter("late_s"), records)))
        self.columns["latency"].fromlist(list(map(attrgetter("latency_s"), records)))
        self.columns["throttled"].fromlist(list(map(attrgetter("throttled_s"), records)))
        if records and records[0].target is not None:
            self.indices.fromlist([-1 if record.turn else record.index for record in records])
        self.tries.extend(records)
        attempts = [attempt for record in records for attempt in record.attempts]
        tried = sum(map(bool, map(attrgetter("attempts"), records)))
        self.attempts += len(attempts)
        self.retries += len(attempts) - tried
        self.tokens.extend(attempts)
        if len(attempts) > tried:
            self.retried.extend([attempt for record in records for attempt in record.attempts[:-1]])
        self._extend_answers([record.attempts[-1] if record.attempts else NO_ANSWER for record in records])

    def merge(self, other: "Cell") -> None:
        self._forget()
        for name, column in self.columns.items():
            column.extend(other.columns[name])
        self.indices.extend(other.indices)
        self.gaps.merge(other.gaps)
        self.tokens.merge(other.tokens)
        self.retried.merge(other.retried)
        self.attempts += other.attempts
        self.retries += other.retries
        self.tries.merge(other.tries)
        self.buffered += other.buffered

    def column(self, metric: str) -> Sequence[float]:
        """The values of a metric, one per request, NaN where it was not measured. KeyError if there is none such."""
        if metric in self.columns:
            return self.columns[metric]
        if metric not in self._derived:
            self._derived[metric] = array("d", _DERIVED[metric](self))
        return self._derived[metric]

    def ordered(self, metric: str) -> "array[float]":
        """The values of a metric, sorted, without those that were not measured."""
        if metric not in self._ordered:
            self._ordered[metric] = self.ordered("ttft") if self._repeats_ttft(metric) else _sorted(self.column(metric))
        return self._ordered[metric]

    def moments(self, metric: str) -> Moments:
        """Of the values that were measured."""
        if metric not in self._moments:
            self._moments[metric] = Moments.of(self.ordered(metric))
        return self._moments[metric]

    def due_above(self, metric: str, threshold: float) -> list[float]:
        """When those requests were due whose value is above a threshold."""
        tail = self._tail(metric)
        if threshold < tail.above:
            rows = zip(self.column(metric), self.due_s, strict=True)
        else:
            rows = zip(tail.values, tail.due_s, strict=True)
        return [due for value, due in rows if value > threshold]

    def _repeats_ttft(self, metric: str) -> bool:
        """The first token was always a visible one, as it is where nothing is reasoned about."""
        columns = self.columns
        return metric == "ttfo" and memoryview(columns["ttfo"]).cast("B") == memoryview(columns["ttft"]).cast("B")

    def _tail(self, metric: str) -> "_Tail":
        """The largest quarter of a column, which is looked at once for each table that the cell is in."""
        if metric not in self._tails:
            ordered, column = self.ordered(metric), self.column(metric)
            above = ordered[len(ordered) * 3 // 4] if ordered else math.inf
            wanted = list(map(above.__lt__, column))
            values, due_s = (array("d", compress(row, wanted)) for row in (column, self.due_s))
            self._tails[metric] = _Tail(above, values, due_s)
        return self._tails[metric]

    def _forget(self) -> None:
        """Drop what was made of the columns, which are about to change."""
        self._derived: dict[str, array[float]] = {}
        self._ordered: dict[str, array[float]] = {}
        self._moments: dict[str, Moments] = {}
        self._tails: dict[str, _Tail] = {}

    def _extend_answers(self, answers: Sequence[Attempt]) -> None:
        for name, field in _ANSWERED.items():
            _append(self.columns[name], list(map(attrgetter(field), answers)))
        self.buffered += sum(map(attrgetter("buffered"), answers))
        self.gaps.add_sparse(chain.from_iterable(map(attrgetter("chunk_gaps"), answers)))


def _append(column: "array[float]", values: Sequence[float | None]) -> None:
    """Add values; mostly all of them were measured, which costs less to try than to ask."""
    try:
        column.fromlist(values)  # type: ignore[arg-type] # leaves the column as it was if it raises
    except TypeError:
        column.fromlist([_NOT_MEASURED if value is None else value for value in values])


def _sorted(column: Sequence[float]) -> "array[float]":
    """The values that were measured, in order."""
    measured = column if math.isfinite(sum(column)) else [value for value in column if value == value]
    ordered = array("d")
    ordered.fromlist(sorted(measured))
    return ordered


def _tpot(cell: Cell) -> Sequence[float]:
    """Mean seconds per output token after the first: (service - ttft) / (n - 1). NaN below two tokens.

    Source: MLPerf Inference, server scenario.
    """
    columns = cell.columns
    rows = zip(columns["service"], columns["ttft"], columns["output_tokens"], strict=True)
    return [(service - ttft) / (n - 1) if n > 1 else _NOT_MEASURED for service, ttft, n in rows]


def _output_rate(cell: Cell) -> Sequence[float]:
    """Output tokens per second of service, NaN where that can't be told."""
    rows = zip(cell.columns["service"], cell.columns["output_tokens"], strict=True)
    return [n / service if service > 0 else _NOT_MEASURED for service, n in rows]


_ANSWERED: Mapping[str, str] = MappingProxyType(
    {"service": "service_s", "ttft": "ttft_s", "ttfo": "ttfo_s", "output_tokens": "output_tokens"}
)
"""Columns that the answering attempt fills."""

_STORED = ("due", "late", "latency", "throttled", *_ANSWERED)

_DERIVED: Mapping[str, Callable[[Cell], Sequence[float]]] = MappingProxyType(
    {"tpot": _tpot, "output_rate": _output_rate}
)

NO_ANSWER = Attempt(outcome=Outcome.SHORT_CIRCUITED)
"""Stands for the answering attempt of a request that had none."""
