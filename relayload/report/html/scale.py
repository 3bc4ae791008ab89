"""Scales: from values to pixels, and the values to write beside an axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_FEWEST_TICKS, _MOST_TICKS = 3, 5
_WIDEST = 1e6
"""The highest value of a log scale is at most this many times the lowest."""
_TIMES_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_PERCENTILES = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999)


@dataclass(frozen=True, slots=True)
class Linear:
    """Equal differences are equally far apart."""

    low: float
    high: float
    from_px: float
    to_px: float

    def at(self, value: float) -> float:
        """Return the pixel of a value, which may lie outside."""
        if self.high == self.low:
            return self.from_px
        return self.from_px + (value - self.low) / (self.high - self.low) * (self.to_px - self.from_px)

    def ticks(self) -> list[float]:
        """Return up to six round values."""
        span = self.high - self.low
        if not span > 0:
            return [self.low]
        step = _round_up(span / _MOST_TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True)
class Whole(Linear):
    """Whole numbers, in either direction."""

    def ticks(self) -> list[float]:
        """Return up to seven whole numbers, the lower end among them."""
        low, high = sorted((self.low, self.high))
        return [float(value) for value in range(round(low), round(high) + 1, max(1, math.ceil((high - low) / 6)))]


@dataclass(frozen=True, slots=True)
class Log:
    """Equal ratios are equally far apart. Values below the lowest are drawn there."""

    low: float
    high: float
    from_px: float
    to_px: float

    def at(self, value: float) -> float:
        """Return the pixel of a value, which may lie above the highest."""
        if self.high == self.low:
            return self.from_px
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.from_px + share * (self.to_px - self.from_px)

    def ticks(self) -> list[float]:
        """Return 1, 2 and 5 of each decade, only 1 where there are many, and evenly spaced ones within one decade."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for of_each in ((1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**decade for decade in decades for digit in of_each]
            within = [value for value in found if self.low <= value <= self.high]
            if len(within) <= _MOST_TICKS + 1:
                break
        return within if len(within) >= _FEWEST_TICKS else Linear(self.low, self.high, 0.0, 1.0).ticks()


@dataclass(frozen=True, slots=True)
class LogPercentile:
    """Each further nine is as far as the one before: 90, 99, 99.9."""

    highest: float
    """The highest percentile."""
    from_px: float
    to_px: float

    def at(self, percentile: float) -> float:
        """Return the pixel of a percentile; 100 counts as the highest."""
        share = _nines(min(percentile, self.highest)) / _nines(self.highest)
        return self.from_px + share * (self.to_px - self.from_px)

    def ticks(self) -> list[float]:
        """Return the percentiles of whole nines, and the median."""
        return [percentile for percentile in _PERCENTILES if percentile <= self.highest]


def time_ticks(until_s: float) -> list[float]:
    """Return up to seven round instants from 0 on."""
    step = next((step for step in _TIMES_S if until_s / step <= _MOST_TICKS + 1), _round_up(until_s / _MOST_TICKS))
    return [number * step for number in range(math.floor(until_s / step + 1e-9) + 1)]


def value_scale(values: Sequence[float], from_px: float, to_px: float, *, log: bool = False) -> Linear | Log:
    """Return a scale for all of these values: a linear one begins at 0, a logarithmic one six decades down at most."""
    positive = [value for value in values if 0 < value < math.inf]
    if log and positive:
        high = max(positive)
        low = max(min(positive), high / _WIDEST)
        return Log(low / 1.15, high * 1.15, from_px, to_px)
    high = max(positive, default=1.0)
    step = _round_up(high / _MOST_TICKS)
    return Linear(0.0, math.ceil(high / step - 1e-9) * step, from_px, to_px)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1, 2, 2.5, 5, 10) if value <= digit * power * (1 + 1e-9))


def _nines(percentile: float) -> float:
    return -math.log10(1 - percentile / 100)
