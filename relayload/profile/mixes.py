"""What mixes of targets, scenarios and models have in common: names, and parts of the traffic."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of a-z, 0-9, '-' and '_' that begins with a letter, got '{name}'")
    return name


Name = Annotated[str, AfterValidator(_name)]
"""The name of a target or a scenario."""


def weight_of(what: str) -> AfterValidator:
    """Return a validator for the part of the traffic that something gets, which must be above 0."""

    def above_zero(weight: float) -> float:
        if weight <= 0:
            raise ValueError(f"expected a number above 0, got '{weight:g}'; leave out a {what}")
        return weight

    return AfterValidator(above_zero)


def at_least_one(example: str) -> BeforeValidator:
    """Return a validator that refuses an empty mix."""

    def some(value: object) -> object:
        if value == {}:
            raise ValueError(f"at least one is needed, such as {example}")
        return value

    return BeforeValidator(some)
