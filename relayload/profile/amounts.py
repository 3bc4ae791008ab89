"""Numbers of tokens: one number, or a distribution."""

import math
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from relayload.core.traffic.curves import Curve, LogNormal, Normal
from relayload.core.traffic.distributions import Constant, DiscreteUniform, Distribution, Empirical, Rounded
from relayload.document.encoding import decoded
from relayload.document.spelling import spelled
from relayload.profile.types import MOST, Between, Count, Items, Number, Part, PathText, not_empty

Positive = Annotated[Number, Field(gt=0)]
_MOST_DIGITS = 20
"""Longer numbers, including leading zeros, are refused unread."""


class Range(Between):
    """Every whole number above 0 between two, as often."""

    least: Count = Field(alias="from")
    """The least."""
    most: Count = Field(alias="to")
    """The most."""

    @property
    def distribution(self) -> Distribution:
        return DiscreteUniform(self.least, self.most)


class _Curved(Part):
    """Along a curve, and held between two numbers."""

    least: Count = Field(1, alias="min")
    """None is below."""
    most: Count | None = Field(None, alias="max")
    """None is above."""

    def _along(self, curve: Curve) -> Distribution:
        return Rounded(curve, self.least, self.most or math.inf)


class NormalAmount(_Curved):
    """Around a mean."""

    mean: Positive
    """In the middle."""
    stddev: Positive
    """How far they spread."""

    @property
    def distribution(self) -> Distribution:
        return self._along(Normal(self.mean, self.stddev))


class LogNormalAmount(_Curved):
    """With a long tail, through two percentiles."""

    p50: Positive
    """Half are below."""
    p99: Positive
    """One of a hundred is above."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.p50 >= self.p99:
            raise ValueError(f"'p99' must be above 'p50': got {self.p99:g} and {self.p50:g}")
        return self

    @property
    def distribution(self) -> Distribution:
        return self._along(LogNormal.through(self.p50, self.p99))


class SeenAmounts(Part):
    """One whole number a line of a file."""

    file: PathText
    """Found from the profile."""

    @property
    def content(self) -> tuple[int, ...]:
        """The numbers. Raises OSError or ValueError if the file can't be read."""
        return _read_counts(self.file)

    @property
    def distribution(self) -> Distribution:
        return Empirical(self.content)


def _read_counts(path: Path) -> tuple[int, ...]:
    try:
        lines = decoded(path.read_bytes()).splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text in UTF-8") from None
    counts = tuple(_count(path, number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
    if not counts:
        raise ValueError(f"{path}: holds no number")
    return counts


def _count(path: Path, number: int, text: str) -> int:
    if not text.isdecimal() or not text.strip("0"):
        raise ValueError(f"{path}:{number}: expected a whole number above 0, got {spelled(text)}")
    if len(text) > _MOST_DIGITS or int(text) > MOST:
        raise ValueError(f"{path}:{number}: expected a whole number up to {MOST}, got {spelled(text)}")
    return int(text)


_KINDS = {"mean": "NormalAmount", "stddev": "NormalAmount", "p50": "LogNormalAmount", "p99": "LogNormalAmount"}


def _kind(value: object) -> str:
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, Part):
        return type(value).__name__
    if isinstance(value, dict):
        known = (_KINDS[key] for key in value if key in _KINDS)
        return "SeenAmounts" if "file" in value else next(known, "Range")
    return "number"


Amount = Annotated[
    Annotated[Count, Tag("number")]
    | Annotated[Items[Count], AfterValidator(not_empty), Tag("list")]
    | Annotated[Range, Tag("Range")]
    | Annotated[NormalAmount, Tag("NormalAmount")]
    | Annotated[LogNormalAmount, Tag("LogNormalAmount")]
    | Annotated[SeenAmounts, Tag("SeenAmounts")],
    Discriminator(_kind),
]
"""`500`, `{from: 100, to: 900}`, `{mean: 500, stddev: 100}`, `{p50: 300, p99: 2000}`, a list of numbers or a file."""


def distribution(amount: Amount) -> Distribution:
    """Return the distribution of that amount."""
    if isinstance(amount, int):
        return Constant(amount)
    return Empirical(amount) if isinstance(amount, tuple) else amount.distribution
