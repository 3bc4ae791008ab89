"""How the values of a metric are read from records: one per request, None or NaN where it was not measured."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from relayload.core.wire.tpot import tpot_s

Column = Callable[[str], Sequence[float]]
"""Returns the column of that name."""


@dataclass(frozen=True, slots=True)
class OfRequest:
    """A field of the record."""

    field: str


@dataclass(frozen=True, slots=True)
class OfAnswer:
    """A field of the answering attempt."""

    field: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A value computed from columns of the requests and their answering attempts, when requests are added."""

    values: Callable[[Column, Sequence[Any]], Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Derived:
    """A value derived from columns of the requests alone, on demand; no column is kept."""

    values: Callable[[Column], Sequence[float]]


Reading = OfRequest | OfAnswer | Computed | Derived

Exempt = Callable[[Column, Sequence[Any]], Sequence[bool]]
"""Returns which answers with a token have no value by definition, rather than an unknown one."""

_BUDGET_SPENT = frozenset({"length", "max_tokens", "max_output_tokens"})
"""The finish reasons of answers that used up their budget, in chat completions and responses."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How far the values may be off, by the columns `ttft_error`, `ttfo_error` and `last_token_error`."""

    too_large: Callable[[Column], Sequence[float]] | None = None
    too_small: Callable[[Column], Sequence[float]] | None = None


def column_of(name: str) -> Callable[[Column], Sequence[float]]:
    """Return a function that reads that column."""
    return lambda column: column(name)


def tpot_error(name: str) -> Callable[[Column], Sequence[float]]:
    """Return a function that gives what the error of an instant, the first or the last, does to a `tpot`."""

    def errors(column: Column) -> list[float]:
        rows = zip(column("tpot"), column("ttft"), column("last_token"), column(name), strict=True)
        return [tpot * error / (last - ttft) if error and last > ttft else 0.0 for tpot, ttft, last, error in rows]

    return errors


def output_rate_error(column: Column) -> list[float]:
    """Return how much higher the rates are if the last tokens came as early as they may have."""
    rows = zip(column("output_rate"), column("last_token"), column("last_token_error"), strict=True)
    return [rate * error / (last - error) if error and last > error else 0.0 for rate, last, error in rows]


def tpot(column: Column, answers: Sequence[Any]) -> list[float | None]:
    """Return the mean seconds between the streamed tokens of each answer."""
    rows = zip(column("ttft"), column("last_token"), map(attrgetter("streamed_tokens"), answers), strict=True)
    return [tpot_s(first_s, last_s, n) if n else None for first_s, last_s, n in rows]


def without_pace(column: Column, answers: Sequence[Any]) -> list[bool]:
    """Return which streams have no time between tokens: those of one token, or whose tokens came at once."""
    rows = zip(_at_once(column), map(attrgetter("streamed_tokens"), answers), strict=True)
    return [at_once or n == 1 for at_once, n in rows]


def without_gaps(column: Column, answers: Sequence[Any]) -> list[bool]:
    """Return which streams have no gap between chunks: those of one chunk."""
    rows = zip(_at_once(column), map(attrgetter("chunks"), answers), strict=True)
    return [at_once or n == 1 for at_once, n in rows]


def without_visible(_column: Column, answers: Sequence[Any]) -> list[bool]:
    """Return which streams showed nothing on purpose, such as a tool call; not those that thought until the end."""
    return [answer.finish_reason not in _BUDGET_SPENT for answer in answers]


def _at_once(column: Column) -> list[bool]:
    return [first_s == last_s for first_s, last_s in zip(column("ttft"), column("last_token"), strict=True)]


def output_rate(column: Column) -> list[float]:
    """Return the output tokens per second until the last of them came; NaN where that is unknown.

    The last token of an unstreamed answer comes with its last byte.
    """
    rows = zip(column("service"), column("ttft"), column("last_token"), column("output_tokens"), strict=True)
    seconds = ((last if ttft == ttft else service, n) for service, ttft, last, n in rows)
    return [n / until if until > 0 else math.nan for until, n in seconds]
