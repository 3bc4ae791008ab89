"""How the values of a metric are read from records: one a request, None or NaN where it was not measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Column = Callable[[str], Sequence[float]]
"""Gives the column of that name."""


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
    """From columns of the same requests and their answering attempts, when requests are added."""

    values: Callable[[Column, Sequence[Any]], Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Derived:
    """From columns of the same requests alone, when somebody asks; no column is kept."""

    values: Callable[[Column], Sequence[float]]


Reading = OfRequest | OfAnswer | Computed | Derived
