"""Several targets: the `targets:` of a profile, and which of them an arrival goes to."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from relayload.profile.target import Target
from relayload.profile.types import Number

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of a-z, 0-9, '-' and '_' that begins with a letter, got '{name}'")
    return name


def _above_zero(share: float) -> float:
    if share <= 0:
        raise ValueError(f"expected a number above 0, got '{share:g}'; leave out a target that is not to be asked")
    return share


class NamedTarget(Target):
    """One of several relays."""

    share: Annotated[Number, AfterValidator(_above_zero)] = 1.0
    """Its part of the traffic, beside the shares of the other targets."""


def _some(value: object) -> object:
    if value == {}:
        raise ValueError("at least one is needed, such as relay: {base_url: https://relay.example.com/v1}")
    return value


Targets = Annotated[dict[Annotated[str, AfterValidator(_name)], NamedTarget], BeforeValidator(_some)]
