"""All requests of a run that share every tag, as columns: the smallest piece that tables and objectives add up.

A column holds one float per request, in the order they were recorded; NaN is "not measured", since an array of
floats has no None. This keeps a million requests in 64 MB, where a million objects would take ten times that.
"""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from relayload.core.results.histogram import Histogram
from relayload.core.results.record import Attempt, Outcome, Record

_NOT_MEASURED = math.nan


class Place(NamedTuple):
    """Where in the plan a request belongs."""

    scenario: str
    model: str
    stage: str
    measured: bool


class Key(NamedTuple):
    """What the requests of a cell have in common. Outcome, status and error are plain text, which hashes fast."""

    place: Place
    outcome: str
    status: int | None
    error: str | None

    @property
    def ok(self) -> bool:
        return self.outcome == Outcome.OK.value


class Tokens:
    """Token counts added up, as far as relays told them."""

    __slots__ = ("cached_input", "counted", "input", "output", "reasoning")

    def __init__(self) -> None:
        self.input = self.cached_input = self.output = self.reasoning = 0
        self.counted = 0
        """Attempts whose output tokens are counted chunks."""

    def add(self, attempt: Attempt) -> None:
        self.input += attempt.input_tokens or 0
        self.cached_input += attempt.cached_input_tokens or 0
        self.output += attempt.output_tokens or 0
        self.reasoning += attempt.reasoning_tokens or 0
        self.counted += attempt.counted

    def merge(self, other: "Tokens") -> None:
        self.input += other.input
        self.cached_input += other.cached_input
        self.output += other.output
        self.reasoning += other.reasoning
        self.counted += other.counted


class Cell:
    """The columns of one key."""

    __slots__ = (
        "attempts",
        "buffered",
        "due_s",
        "gaps",
        "late_s",
        "latency_s",
        "output_tokens",
        "retries",
        "service_s",
        "tokens",
        "ttfo_s",
        "ttft_s",
    )

    def __init__(self) -> None:
        self.due_s = array("d")
        self.late_s = array("d")
        self.latency_s = array("d")
        self.service_s = array("d")
        self.ttft_s = array("d")
        self.ttfo_s = array("d")
        self.output_tokens = array("d")
        self.gaps = Histogram()
        self.tokens = Tokens()
        self.attempts = 0
        self.retries = 0
        self.buffered = 0

    def __len__(self) -> int:
        return len(self.due_s)

    def add(self, record: Record) -> None:
        self.due_s.append(record.intended_at_s)
        self.late_s.append(record.late_s)
        self.latency_s.append(record.latency_s)
        self.attempts += len(record.attempts)
        self.retries += max(0, len(record.attempts) - 1)
        for attempt in record.attempts:
            self.tokens.add(attempt)
        self._add_answer(record.attempts[-1] if record.attempts else None)

    def merge(self, other: "Cell") -> None:
        for name in ("due_s", "late_s", "latency_s", "service_s", "ttft_s", "ttfo_s", "output_tokens"):
            getattr(self, name).extend(getattr(other, name))
        self.gaps.merge(other.gaps)
        self.tokens.merge(other.tokens)
        self.attempts += other.attempts
        self.retries += other.retries
        self.buffered += other.buffered

    def column(self, metric: str) -> Sequence[float]:
        """The values of a metric, one per request, NaN where it was not measured. KeyError if there is none such."""
        return _COLUMNS[metric](self)

    def tpot_column(self) -> list[float]:
        """`record.tpot_s` of every request, NaN where that can't be told."""
        rows = zip(self.service_s, self.ttft_s, self.output_tokens, strict=True)
        return [(service - ttft) / (n - 1) if n > 1 else _NOT_MEASURED for service, ttft, n in rows]

    def output_rate_column(self) -> list[float]:
        """Output tokens per second of service, NaN where that can't be told."""
        rows = zip(self.service_s, self.output_tokens, strict=True)
        return [n / service if service > 0 else _NOT_MEASURED for service, n in rows]

    def _add_answer(self, answer: Attempt | None) -> None:
        if answer is None:
            answer = _NO_ANSWER
        self.service_s.append(_or_nan(answer.service_s))
        self.ttft_s.append(_or_nan(answer.ttft_s))
        self.ttfo_s.append(_or_nan(answer.ttfo_s))
        self.output_tokens.append(_or_nan(answer.output_tokens))
        self.buffered += answer.buffered
        if answer.chunk_gaps:
            self.gaps.add_sparse(answer.chunk_gaps)


_COLUMNS: Mapping[str, Callable[[Cell], Sequence[float]]] = MappingProxyType(
    {
        "latency": lambda cell: cell.latency_s,
        "service": lambda cell: cell.service_s,
        "ttft": lambda cell: cell.ttft_s,
        "ttfo": lambda cell: cell.ttfo_s,
        "tpot": Cell.tpot_column,
        "late": lambda cell: cell.late_s,
        "output_rate": Cell.output_rate_column,
    }
)

_NO_ANSWER = Attempt(outcome=Outcome.SHORT_CIRCUITED)


def _or_nan(value: float | None) -> float:
    return _NOT_MEASURED if value is None else value
