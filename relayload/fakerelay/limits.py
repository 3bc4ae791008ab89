"""Limits per key and per model: what a relay refuses with a 429, and when it would accept it.

Everything here is pure: meters take the time as an argument and return how long to wait.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Protocol, Self

from pydantic import BeforeValidator, Field, model_validator

from relayload.core.units import RATE_UNITS, duration_s
from relayload.fakerelay.schema import PresetPart

_ROUNDING_S = 1e-9
"""Added to waits, so that a client that waits exactly this long is not refused because of rounding."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A count allowed in every window of `window_s` seconds."""

    count: int
    window_s: float

    @classmethod
    def parse(cls, text: str) -> "Allowance":
        """Parse a rate such as `300/min`, or a window of any length such as `5/2s`. Raises ValueError."""
        count, _, window = text.replace(" ", "").partition("/")
        try:
            window_s = RATE_UNITS.get(window) or duration_s(window)
        except ValueError:
            window_s = 0.0
        if not count.isdecimal() or int(count) < 1 or not window_s:
            raise ValueError(f"expected a whole number per time such as '10/s', '300/min' or '5/2s', got '{text}'")
        return cls(int(count), window_s)


Rate = Annotated[Allowance, BeforeValidator(lambda value: Allowance.parse(str(value)))]


class Metric(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENT = "concurrent"


class Limit(PresetPart):
    """One limit, counted separately for each key or each model."""

    per: Literal["key", "model"] = "key"
    requests: Rate | None = None
    tokens: Rate | None = None
    """Input and output tokens, all charged when the request is admitted."""
    concurrent: Annotated[int, Field(ge=1)] | None = None
    window: Literal["fixed", "sliding", "bucket"] = "sliding"
    models: tuple[str, ...] = ()
    """The models it applies to; empty means all."""

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        if sum(value is not None for value in (self.requests, self.tokens, self.concurrent)) != 1:
            raise ValueError("expected exactly one of 'requests', 'tokens' and 'concurrent'")
        return self

    @property
    def metric(self) -> Metric:
        if self.concurrent is not None:
            return Metric.CONCURRENT
        return Metric.REQUESTS if self.requests is not None else Metric.TOKENS

    def meter(self) -> "Meter":
        """Return a new, empty meter."""
        if self.concurrent is not None:
            return InFlight(self.concurrent)
        allowance = self.requests or self.tokens
        assert allowance is not None
        return _METERS[self.window](allowance)


class Meter(Protocol):
    """Counts what is used of one limit."""

    def wait_s(self, weight: int, now_s: float) -> float | None:
        """Return 0 if `weight` is allowed now, else the seconds until it is; None if that is unknown, or never."""

    def take(self, weight: int, now_s: float) -> None:
        """Count `weight` as used."""

    def give_back(self) -> None:
        """Note that a request has ended."""

    def remaining(self, now_s: float) -> int:
        """Return how much would be allowed now."""

    def reset_s(self, now_s: float) -> float:
        """Return the seconds until the limit is fully available again if nothing else is used."""


class FixedWindow:
    """Counts between one multiple of the window and the next."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._window = -1
        self._used = 0

    def wait_s(self, weight: int, now_s: float) -> float | None:
        self._turn(now_s)
        if self._used + weight <= self._allowance.count:
            return 0.0
        return self.reset_s(now_s) + _ROUNDING_S if weight <= self._allowance.count else None

    def take(self, weight: int, now_s: float) -> None:
        self._turn(now_s)
        self._used += weight

    def give_back(self) -> None:
        """Do nothing: the end of a request does not affect windows."""

    def remaining(self, now_s: float) -> int:
        self._turn(now_s)
        return self._allowance.count - self._used

    def reset_s(self, now_s: float) -> float:
        self._turn(now_s)
        return (self._window + 1) * self._allowance.window_s - now_s

    def _turn(self, now_s: float) -> None:
        window = int(now_s // self._allowance.window_s)
        if window > self._window:  # a pipelined request may carry an earlier time than those admitted before it
            self._window, self._used = window, 0


class Recent:
    """The exact log of what happened in (now - window, now]."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self.entries: deque[tuple[float, int]] = deque()
        """Instants, with the weight at each."""
        self.total = 0

    def add(self, at_s: float, weight: int = 1) -> None:
        """Add a weight at an instant. Instants never go back."""
        self.entries.append((at_s, weight))
        self.total += weight
        self.forget(at_s)

    def forget(self, now_s: float) -> None:
        """Forget what is older than the window at `now_s`."""
        while self.entries and self.entries[0][0] <= now_s - self._window_s:
            self.total -= self.entries.popleft()[1]


class SlidingWindow:
    """Counts in (now - window, now]."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._recent = Recent(allowance.window_s)

    def wait_s(self, weight: int, now_s: float) -> float | None:
        self._recent.forget(now_s)
        excess = self._recent.total + weight - self._allowance.count
        for at_s, logged in self._recent.entries:
            if excess <= 0:
                break
            excess -= logged
            if excess <= 0:
                return at_s + self._allowance.window_s - now_s + _ROUNDING_S
        return 0.0 if excess <= 0 else None

    def take(self, weight: int, now_s: float) -> None:
        self._recent.add(now_s, weight)

    def give_back(self) -> None:
        """Do nothing: the end of a request does not affect windows."""

    def remaining(self, now_s: float) -> int:
        self._recent.forget(now_s)
        return self._allowance.count - self._recent.total

    def reset_s(self, now_s: float) -> float:
        self._recent.forget(now_s)
        entries = self._recent.entries
        return entries[-1][0] + self._allowance.window_s - now_s if entries else 0.0


class TokenBucket:
    """A bucket with the capacity of one window, which fills steadily and starts full."""

    def __init__(self, allowance: Allowance) -> None:
        self._count = allowance.count
        self._fill_per_s = allowance.count / allowance.window_s
        self._level = float(allowance.count)
        self._filled_at_s = 0.0

    def wait_s(self, weight: int, now_s: float) -> float | None:
        lacking = weight - self._filled(now_s)
        if lacking <= _ROUNDING_S:
            return 0.0
        return lacking / self._fill_per_s + _ROUNDING_S if weight <= self._count else None

    def take(self, weight: int, now_s: float) -> None:
        self._level = self._filled(now_s) - weight
        self._filled_at_s = now_s

    def give_back(self) -> None:
        """Do nothing: the end of a request does not affect buckets."""

    def remaining(self, now_s: float) -> int:
        return max(0, int(self._filled(now_s)))

    def reset_s(self, now_s: float) -> float:
        return (self._count - self._filled(now_s)) / self._fill_per_s

    def _filled(self, now_s: float) -> float:
        return min(float(self._count), self._level + (now_s - self._filled_at_s) * self._fill_per_s)


class InFlight:
    """Counts concurrent requests."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running = 0

    def wait_s(self, _weight: int, _now_s: float) -> float | None:
        return 0.0 if self._running < self._limit else None

    def take(self, _weight: int, _now_s: float) -> None:
        self._running += 1

    def give_back(self) -> None:
        self._running -= 1

    def remaining(self, _now_s: float) -> int:
        return self._limit - self._running

    def reset_s(self, _now_s: float) -> float:
        return 0.0


_METERS: dict[str, Callable[[Allowance], Meter]] = {
    "fixed": FixedWindow,
    "sliding": SlidingWindow,
    "bucket": TokenBucket,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one limit for one request, as relays report it in headers."""

    metric: Metric
    per: str
    limit: int
    window_s: float
    remaining: int
    reset_s: float
    wait_s: float | None = 0.0
    """Seconds until the request would be admitted; None if unknown."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The admission of a request, or its refusal, in which case `refused_by` is the limit that it exceeded."""

    standings: tuple[Standing, ...] = ()
    refused_by: Standing | None = None
    meters: tuple[Meter, ...] = ()

    def end(self) -> None:
        """Note that the request has ended."""
        for meter in self.meters:
            meter.give_back()


class Limiter:
    """All limits of a relay. A request counts toward every limit that applies to it, or, if refused, toward none."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._meters: dict[tuple[int, str], Meter] = {}

    def admit(self, key: str, model: str, tokens: int, now_s: float) -> Admission:
        """Admit a request, or report the limit that it exceeds. `now_s` counts from the relay's start."""
        if not self._limits:
            return Admission()
        found = [(limit, self._meter(index, limit, key, model)) for index, limit in self._falls_under(model)]
        for limit, meter in found:
            wait_s = meter.wait_s(_weight(limit, tokens), now_s)
            if wait_s != 0.0:
                standings = tuple(_standing(*each, now_s) for each in found)
                return Admission(standings, _standing(limit, meter, now_s, wait_s))
        for limit, meter in found:
            meter.take(_weight(limit, tokens), now_s)
        return Admission(tuple(_standing(*each, now_s) for each in found), meters=tuple(meter for _, meter in found))

    def _falls_under(self, model: str) -> list[tuple[int, Limit]]:
        return [(i, limit) for i, limit in enumerate(self._limits) if not limit.models or model in limit.models]

    def _meter(self, index: int, limit: Limit, key: str, model: str) -> Meter:
        counted = (index, key if limit.per == "key" else model)
        if counted not in self._meters:
            self._meters[counted] = limit.meter()
        return self._meters[counted]


def _weight(limit: Limit, tokens: int) -> int:
    return tokens if limit.metric is Metric.TOKENS else 1


def _standing(limit: Limit, meter: Meter, now_s: float, wait_s: float | None = 0.0) -> Standing:
    allowance = limit.requests or limit.tokens or Allowance(limit.concurrent or 0, 0.0)
    return Standing(
        metric=limit.metric,
        per=limit.per,
        limit=allowance.count,
        window_s=allowance.window_s,
        remaining=meter.remaining(now_s),
        reset_s=meter.reset_s(now_s),
        wait_s=wait_s,
    )
