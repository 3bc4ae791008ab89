"""The value types of presets: durations, rates, shares and distributions as users write them."""

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from relayload.core.traffic.curves import LogNormal
from relayload.core.units import duration_s, fraction, rate_per_s


class RequestKind(StrEnum):
    """The kind of a request. Reasoning models answer some kinds faster than others."""

    SIMPLE = "simple"
    CODE = "code"
    MATH_PROOF = "math_proof"
    IMAGE_REASONING = "image_reasoning"


KindName = Literal["simple", "code", "math_proof", "image_reasoning", "any"]

_BYTES = re.compile(r"(\d+)\s*(B|kB|MB)")
_BYTE_UNITS = {"B": 1, "kB": 1_000, "MB": 1_000_000}


def bytes_of(text: str) -> int:
    """Parse a size such as `512B`, `64kB` or `1MB` to bytes. Raises ValueError."""
    match = _BYTES.fullmatch(text.strip())
    if not match:
        raise ValueError(f"expected a size such as '512B', '64kB' or '1MB', got '{text}'")
    return int(match[1]) * _BYTE_UNITS[match[2]]


Duration = Annotated[float, BeforeValidator(lambda value: duration_s(str(value)))]
"""Seconds, written like `800ms` or `1m30s`."""
TokenRate = Annotated[float, BeforeValidator(lambda value: rate_per_s(str(value)))]
"""Tokens per second, written like `170/s`."""
Share = Annotated[float, BeforeValidator(lambda value: fraction(str(value))), Field(ge=0, le=1)]
"""A fraction of one, written like `5%`."""
Size = Annotated[int, BeforeValidator(lambda value: bytes_of(str(value)))]
"""Bytes, written like `1MB`."""


class PresetPart(BaseModel):
    """The base class of all parts of a preset. Unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Percentiles(PresetPart):
    """Two percentiles, or a constant written as a bare value."""

    p50: float
    p99: float

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"p50": value, "p99": value}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 < self.p50 <= self.p99:
            raise ValueError("expected 0 < p50 <= p99")
        return self

    @cached_property
    def distribution(self) -> LogNormal:
        return LogNormal.through(self.p50, self.p99)


class Times(Percentiles):
    """Percentiles in seconds, written like `45ms`."""

    p50: Duration
    p99: Duration


class Speeds(Percentiles):
    """Percentiles in tokens per second, written like `170/s`."""

    p50: TokenRate
    p99: TokenRate


class Lengths(Percentiles):
    """Percentiles of output tokens."""
