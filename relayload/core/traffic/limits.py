"""The client's own limits on arrivals in any sliding second or minute."""

from collections import deque
from dataclasses import dataclass

LIMIT_GUARD_S = 0.02
"""How many seconds late any arrival may start without breaking a limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most arrivals in any sliding second and any sliding minute."""

    per_second: int | None = None
    per_minute: int | None = None

    @property
    def windows(self) -> list[tuple[float, int]]:
        """The length of each window in seconds, and the most arrivals in it."""
        both = ((1.0, self.per_second), (60.0, self.per_minute))
        return [(window_s, most) for window_s, most in both if most]


class Gate:
    """Admits arrivals in order, each as early as the limits allow."""

    def __init__(self, limits: Limits | None) -> None:
        self._windows: list[tuple[float, deque[float]]] = [
            (window_s + LIMIT_GUARD_S, deque(maxlen=most)) for window_s, most in (limits.windows if limits else ())
        ]

    def opens_at_s(self, due_at_s: float) -> float:
        """Return when an arrival that is due at `due_at_s` may start."""
        at_s = due_at_s
        for window_s, admitted in self._windows:
            if len(admitted) == admitted.maxlen:
                at_s = max(at_s, admitted[0] + window_s)
        return at_s

    def admit(self, at_s: float) -> None:
        """Count an arrival that starts at `at_s`."""
        for _, admitted in self._windows:
            admitted.append(at_s)
