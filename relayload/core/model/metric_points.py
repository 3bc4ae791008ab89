"""Metrics on their way to an exporter in another process."""

from typing import Literal

from msgspec import Struct

Attributes = dict[str, str | bool | int]


class NumberPoint(Struct, frozen=True, array_like=True, gc=False):
    """The value of one set of attributes."""

    attributes: Attributes
    value: int | float


class HistogramPoint(Struct, frozen=True, array_like=True, gc=False):
    """The distribution of one set of attributes, in buckets of given bounds. Without any, there are sum and count."""

    attributes: Attributes
    count: int
    sum: float
    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


class ExponentialPoint(Struct, frozen=True, array_like=True, gc=False):
    """The distribution of one set of attributes, in exponential buckets."""

    attributes: Attributes
    count: int
    sum: float
    low: float
    """With `high`, the least and the greatest value, within 0.4 %."""
    high: float
    scale: int
    zero: int
    offset: int
    counts: tuple[int, ...]


class Series(Struct, frozen=True, kw_only=True, array_like=True):
    """All points of one metric."""

    name: str
    unit: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    numbers: tuple[NumberPoint, ...] = ()
    histograms: tuple[HistogramPoint, ...] = ()
    exponential: tuple[ExponentialPoint, ...] = ()


class Resource(Struct, frozen=True, kw_only=True):
    """What the metrics of a run are of."""

    attributes: dict[str, str]
    version: str
    """The version of relayload."""


class Reading(Struct, frozen=True, kw_only=True):
    """All metrics of a run at one instant. The instants are in nanoseconds since 1970."""

    resource: Resource
    began_at_ns: int
    """When the counts began."""
    at_ns: int
    series: tuple[Series, ...]


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """What became of a reading."""

    failure: str | None = None
    """Why it did not reach the collector; None if it did."""
