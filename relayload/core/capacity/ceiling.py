"""The ceiling that 429s keep: how many requests the relay lets through, and in which window.

A refusal tells that the window before it was full. So a window fits if nearly every refusal came when it held as many
as it ever did. The shortest that fits wins, since a quota per second also makes every minute equally full. Where none
fits, as for a token bucket or a fixed window, only the rate is known at which requests were let through.
"""

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

WINDOWS_S = (1.0, 10.0, 60.0)
_FEWEST = 8
"""With fewer refusals no window is told."""
_NEARLY = 0.9


class Ceiling(Struct, frozen=True, kw_only=True):
    """What 429s let through."""

    per_s: float
    """The mean rate of the requests that were let through."""
    requests: int | None = None
    """The size of the window; None where none fits."""
    window_s: float | None = None

    def __str__(self) -> str:
        if self.requests is None or self.window_s is None:
            return f"about {self.per_s:.3g}/s"
        unit = {1.0: "s", 60.0: "min"}.get(self.window_s, f"{self.window_s:g}s")
        return f"{self.requests}/{unit}"


def ceiling(let_through_at_s: Sequence[float], refused_at_s: Sequence[float], for_s: float) -> Ceiling | None:
    """Return the ceiling of a load of that length, given the instants at which requests were sent, in order.

    None where none was refused.
    """
    if not refused_at_s:
        return None
    per_s = len(let_through_at_s) / for_s
    for window_s in WINDOWS_S if len(refused_at_s) >= _FEWEST else ():
        size = max((_before(let_through_at_s, at_s, window_s) for at_s in let_through_at_s), default=0)
        full = sum(_before(let_through_at_s, at_s, window_s) >= _NEARLY * size for at_s in refused_at_s)
        if size and full >= _NEARLY * len(refused_at_s):
            return Ceiling(per_s=per_s, requests=size, window_s=window_s)
    return Ceiling(per_s=per_s)


def _before(at_s: Sequence[float], until_s: float, window_s: float) -> int:
    """Return how many instants lie in the window that ends then, its end included."""
    return bisect_right(at_s, until_s) - bisect_right(at_s, until_s - window_s)
