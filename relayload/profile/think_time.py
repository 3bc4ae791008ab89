"""The think time of users, from an answer to their next request: a duration, or a distribution."""

import math
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from relayload.core.traffic.curves import Curve, LogNormal, Normal
from relayload.core.traffic.spans import Exponential, Fixed, FromCurve, Span, Uniform
from relayload.profile.types import Duration, Part, PositiveDuration


class EvenTimes(Part):
    """Every duration between two, as often."""

    least_s: Duration = Field(alias="from")
    """The shortest."""
    most_s: Duration = Field(alias="to")
    """The longest."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least_s > self.most_s:
            raise ValueError("'to' must not be below 'from'")
        return self

    @property
    def span(self) -> Span:
        return Uniform(self.least_s, self.most_s)


class _Bounded(Part):
    """Held between two durations."""

    least_s: Duration = Field(0.0, alias="min")
    """Shorter ones are made as long as this."""
    most_s: PositiveDuration | None = Field(None, alias="max")
    """Longer ones are made as short as this."""

    @model_validator(mode="after")
    def _bounds_ordered(self) -> Self:
        if self.least_s > (self.most_s or math.inf):
            raise ValueError("'max' must not be below 'min'")
        return self

    def _along(self, curve: Curve) -> Span:
        return FromCurve(curve, self.least_s, self.most_s or math.inf)


class NormalTimes(_Bounded):
    """Around a mean."""

    mean: PositiveDuration
    """The middle."""
    stddev: PositiveDuration
    """How far they are spread."""

    @property
    def span(self) -> Span:
        return self._along(Normal(self.mean, self.stddev))


class LogNormalTimes(_Bounded):
    """With a long tail, through two percentiles."""

    p50: PositiveDuration
    """Half of them are shorter."""
    p99: PositiveDuration
    """One in a hundred is longer."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.p50 >= self.p99:
            raise ValueError("'p99' must be above 'p50'")
        return self

    @property
    def span(self) -> Span:
        return self._along(LogNormal.through(self.p50, self.p99))


class ExponentialTimes(_Bounded):
    """With that mean."""

    exponential: PositiveDuration
    """The mean."""

    @property
    def span(self) -> Span:
        return Exponential(self.exponential, self.least_s, self.most_s or math.inf)


_KINDS = {
    "mean": "NormalTimes",
    "stddev": "NormalTimes",
    "p50": "LogNormalTimes",
    "p99": "LogNormalTimes",
    "exponential": "ExponentialTimes",
}


def _kind(value: object) -> str:
    if isinstance(value, Part):
        return type(value).__name__
    if isinstance(value, dict):
        return next((_KINDS[key] for key in value if key in _KINDS), "EvenTimes")
    return "duration"


ThinkTime = Annotated[
    Annotated[Duration, Tag("duration")]
    | Annotated[EvenTimes, Tag("EvenTimes")]
    | Annotated[NormalTimes, Tag("NormalTimes")]
    | Annotated[LogNormalTimes, Tag("LogNormalTimes")]
    | Annotated[ExponentialTimes, Tag("ExponentialTimes")],
    Discriminator(_kind),
]
"""`2s`, `{from: 1s, to: 5s}`, `{mean: 2s, stddev: 500ms}`, `{p50: 2s, p99: 20s}` or `{exponential: 2s}`."""


def span(think_time: ThinkTime) -> Span:
    """Return the distribution of that time."""
    return Fixed(think_time) if isinstance(think_time, float) else think_time.span
