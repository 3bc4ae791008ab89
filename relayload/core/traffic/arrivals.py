"""When requests start: the absolute schedule, a pure function of the profile and its seed.

Every process walks the same schedule and starts the arrivals that are its own, so any number of workers
together send exactly what one would have sent.

An open load is a unit-rate process stretched over the stages. With Λ(t) the number of arrivals expected until t,
the arrivals are Λ⁻¹(g₁), Λ⁻¹(g₁+g₂), ... where the gaps g are all 1 (`constant`, the first at 0) or exponential
with mean 1 (`poisson`). This keeps ramps exact (Çınlar, Introduction to Stochastic Processes, 1975, ch. 4.7).

Limits hold an arrival back until its window has room, and the schedule goes on from there: what a limit refuses
is not made up for later. Rows of a trace keep their own times and queue instead, since each row is to be sent.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from random import Random
from typing import NamedTuple, Protocol

from msgspec import Struct

LIMIT_GUARD_S = 0.02
"""How much later than its intended start an arrival may start without breaking a limit."""

_ARRIVAL_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of time with one rate, or a linear ramp to `to_per_s`. `for_s` may be infinite in a trace."""

    name: str
    for_s: float
    rate_per_s: float = 0.0
    to_per_s: float | None = None
    warmup: bool = False

    @property
    def slope_per_s2(self) -> float:
        return 0.0 if self.to_per_s is None else (self.to_per_s - self.rate_per_s) / self.for_s

    @property
    def expected(self) -> float:
        """Arrivals expected in the whole stage: the area under its rate."""
        silent = self.rate_per_s == 0 and not self.to_per_s
        return 0.0 if silent else self.expected_until(self.for_s)

    def expected_until(self, into_s: float) -> float:
        return into_s * (self.rate_per_s + self.slope_per_s2 * into_s / 2)

    def into_s(self, expected: float) -> float:
        """How far into the stage that many arrivals are expected: the root of a quadratic, in its stable form."""
        root = math.sqrt(max(0.0, self.rate_per_s**2 + 2 * self.slope_per_s2 * expected))
        divisor = self.rate_per_s + root
        return 2 * expected / divisor if divisor else 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most arrivals in any sliding second and any sliding minute."""

    per_second: int | None = None
    per_minute: int | None = None


class Arrival(Struct, frozen=True, gc=False):
    """One scheduled start. `stage` and `scenario` are positions; tokens are given by a trace."""

    index: int
    intended_at_s: float
    stage: int
    scenario: int
    input_tokens: int | None = None
    output_tokens: int | None = None


class Row(Protocol):
    """A row of a trace: seconds since its first row, and what was asked and answered."""

    @property
    def at_s(self) -> float: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...


class Share(NamedTuple):
    """The part of the schedule that is one worker's own: every `of`-th arrival, from `number` on."""

    number: int
    of: int

    def owns(self, index: int) -> bool:
        return index % self.of == self.number


def schedule(
    stages: Sequence[Stage], limits: Limits | None, kind: str, weights: Sequence[float], seed: int
) -> Iterator[Arrival]:
    """The arrivals of an open load, in order of time. `kind` is `constant` or `poisson`."""
    course = _Course(stages)
    scenario = _Choice(weights, seed)
    gate = _Gate(limits)
    gaps = _gaps(kind, seed)
    expected = next(gaps)
    index = 0
    while expected < course.expected - _ARRIVAL_EPSILON:
        due_at_s = course.at_s(expected)
        at_s = gate.admit(due_at_s)
        if at_s >= course.ends_at_s:
            return
        yield Arrival(index, at_s, course.stage_at(at_s), scenario.draw())
        if at_s > due_at_s:
            expected = course.expected_until(at_s)
        expected += next(gaps)
        index += 1


def trace_schedule(
    rows: Iterable[Row], stages: Sequence[Stage], limits: Limits | None, weights: Sequence[float], seed: int
) -> Iterator[Arrival]:
    """The arrivals of a recorded trace: every row at its own time, until the stages end."""
    course = _Course(stages)
    scenario = _Choice(weights, seed)
    gate = _Gate(limits)
    for index, row in enumerate(rows):
        at_s = gate.admit(row.at_s)
        if at_s >= course.ends_at_s:
            return
        stage = course.stage_at(at_s)
        yield Arrival(index, at_s, stage, scenario.draw(), row.input_tokens, row.output_tokens)


def stage_at(stages: Sequence[Stage], at_s: float) -> int:
    """The position of the stage that an instant falls into; the last one for instants past the end."""
    return _Course(stages).stage_at(at_s)


class _Course:
    """The stages laid end to end, in time and in expected arrivals."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._ends_at_s = list(accumulate(stage.for_s for stage in stages))
        self._starts_at_s = [0.0, *self._ends_at_s[:-1]]
        self._expected_by_end = list(accumulate(stage.expected for stage in stages))
        self.ends_at_s = self._ends_at_s[-1]
        self.expected = self._expected_by_end[-1]

    def at_s(self, expected: float) -> float:
        """Λ⁻¹: the instant by which that many arrivals are expected."""
        number = bisect_right(self._expected_by_end, expected + _ARRIVAL_EPSILON)
        before = self._expected_by_end[number - 1] if number else 0.0
        return self._starts_at_s[number] + self._stages[number].into_s(max(0.0, expected - before))

    def expected_until(self, at_s: float) -> float:
        """Λ: the number of arrivals expected until an instant."""
        number = self.stage_at(at_s)
        before = self._expected_by_end[number - 1] if number else 0.0
        return before + self._stages[number].expected_until(at_s - self._starts_at_s[number])

    def stage_at(self, at_s: float) -> int:
        return min(bisect_right(self._ends_at_s, at_s + _ARRIVAL_EPSILON), len(self._stages) - 1)


class _Choice:
    """Draws positions in proportion to weights, from a stream of its own."""

    def __init__(self, weights: Sequence[float], seed: int) -> None:
        self._edges = list(accumulate(weights))
        self._random = Random(f"{seed}:scenarios").random

    def draw(self) -> int:
        if len(self._edges) == 1:
            return 0
        return bisect_right(self._edges, self._random() * self._edges[-1], hi=len(self._edges) - 1)


class _Gate:
    """Admits each instant as early as the limits allow, in order."""

    def __init__(self, limits: Limits | None) -> None:
        self._windows: list[tuple[float, deque[float]]] = []
        for window_s, most in ((1.0, limits and limits.per_second), (60.0, limits and limits.per_minute)):
            if most:
                self._windows.append((window_s + LIMIT_GUARD_S, deque(maxlen=most)))

    def admit(self, due_at_s: float) -> float:
        at_s = due_at_s
        for window_s, admitted in self._windows:
            if len(admitted) == admitted.maxlen:
                at_s = max(at_s, admitted[0] + window_s)
        for _, admitted in self._windows:
            admitted.append(at_s)
        return at_s


def _gaps(kind: str, seed: int) -> Iterator[float]:
    if kind == "constant":
        yield 0.0
        yield from repeat(1.0)
    draw = Random(f"{seed}:arrivals").expovariate
    while True:
        yield draw(1.0)
