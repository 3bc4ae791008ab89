"""What a capacity means for a client: the quota to write, and the rate at which to raise an alarm."""

import math

from msgspec import Struct

from relayload.core.capacity.ceiling import Ceiling

HEADROOM = 0.2
"""The share of a capacity that is kept free, unless told otherwise."""
_PERIODS = (("s", 1.0), ("min", 60.0))
_HOUR_S = 3600.0


class Advice(Struct, frozen=True, kw_only=True):
    """The suggestion, which rests on a rate that is proven, or on the ceiling of a quota that was found."""

    quota: tuple[str, ...]
    """The requests of `client.quota`, such as `12/s` and `720/min`."""
    alert_per_s: float
    """A sustained rate above this leaves less than the headroom; to four digits."""
    breaks_per_s: float | None = None
    """The lowest rate that is refuted: from here on the objectives are known to break."""
    headroom: float = HEADROOM
    basis: str = "proven"
    """`proven`, or `ceiling` where a quota was found."""


def advise(proven_per_s: float | None, refuted_per_s: float | None, ceiling: Ceiling | None) -> Advice | None:
    """Return the suggestion; None where nothing is proven and no ceiling known."""
    carried = [rate for rate in (proven_per_s, None if ceiling is None else ceiling.per_s) if rate]
    if not carried:
        return None
    quota_bound = ceiling is not None and ceiling.per_s == min(carried)
    per_s = min(carried)
    return Advice(
        quota=_limits(per_s),
        alert_per_s=float(f"{per_s * (1 - HEADROOM):.4g}"),
        breaks_per_s=refuted_per_s,
        basis="ceiling" if quota_bound else "proven",
    )


def _limits(per_s: float) -> tuple[str, ...]:
    """Return whole numbers of requests per second and minute, or per hour where a minute has none."""
    whole = [(math.floor(per_s * for_s), unit) for unit, for_s in _PERIODS]
    limits = tuple(f"{count}/{unit}" for count, unit in whole if count)
    return limits or (f"{max(1, math.floor(per_s * _HOUR_S))}/h",)
