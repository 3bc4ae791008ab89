"""The limits of a profile that charts show, read from the effective profile that a recording keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml

from relayload.core import units

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProfileCaps:
    """What no run of the profile passes; None where it says nothing."""

    per_second: float | None = None
    per_minute: float | None = None
    max_in_flight: float | None = None
    max_usd: float | None = None

    @classmethod
    def of(cls, profile: str | None) -> "ProfileCaps":
        """Return the caps of a profile. One that can't be read, as of a damaged recording, has none."""
        try:
            read = yaml.safe_load(profile or "")
        except (yaml.YAMLError, RecursionError, ValueError):
            return cls()
        return cls(
            per_second=_at(read, float, "load", "limits", "per_second"),
            per_minute=_at(read, float, "load", "limits", "per_minute"),
            max_in_flight=_at(read, float, "load", "max_in_flight"),
            max_usd=_at(read, lambda amount: float(units.usd(str(amount))), "guardrails", "max_usd"),
        )


def _at(read: Any, convert: Callable[[Any], T], *path: str) -> T | None:
    """Return the value at a path; None where there is none that can be converted."""
    for key in path:
        read = read.get(key) if isinstance(read, dict) else None
    try:
        return None if read is None else convert(read)
    except (TypeError, ValueError, OverflowError):
        return None
