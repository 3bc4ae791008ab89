"""The quota to write into a profile, so that it stays below the limits that were found."""

from collections.abc import Sequence
from math import floor

from relayload.core.limits.findings import Counts, FoundLimit

_UNEVEN_S = 0.1
"""By how much as many requests as a window admits may come closer together than they were sent."""
_UNITS = (("s", 1.0), ("min", 60.0), ("h", 3600.0))


def quota(limits: Sequence[FoundLimit]) -> dict[str, list[str]]:
    """Return the limits by what they count, in the words of a profile; those that can't be told are left out."""
    found: dict[str, list[str]] = {}
    for limit in limits:
        if limit.counts in (Counts.REQUESTS, Counts.TOKENS) and limit.amount and (text := _amount(limit)):
            found.setdefault(limit.counts.value, []).append(text)
    return found


def max_in_flight(limits: Sequence[FoundLimit]) -> int | None:
    """Return how many requests may be in flight; None without such a limit."""
    return min((each.amount for each in limits if each.counts is Counts.CONCURRENT and each.amount), default=None)


def _amount(limit: FoundLimit) -> str | None:
    """Return `299/min`; for a window of another length the rate at which it never has to refuse.

    Requests that are sent evenly reach the relay some milliseconds earlier or later, and one more than a window admits
    must not fall into it for that.
    """
    if limit.refill_per_s is not None:
        return _rate(limit.refill_per_s, 0.0)
    if limit.window_s is None:
        return None
    return _rate(limit.amount / (limit.window_s + _UNEVEN_S), limit.window_s)


def _rate(per_s: float, at_least_s: float) -> str | None:
    """Return a rate in the shortest unit of at least that length that loses no more than a fortieth of it."""
    found = [(floor(per_s * length_s + 1e-6), unit, length_s) for unit, length_s in _UNITS]
    usable = [each for each in found if each[0] and (each[2] >= at_least_s * 0.999 or each[2] == 3600.0)]
    number, unit, _ = next(
        (each for each in usable if each[0] >= 0.975 * per_s * each[2]), usable[-1] if usable else (0, "", 0.0)
    )
    return f"{number}/{unit}" if number else None
