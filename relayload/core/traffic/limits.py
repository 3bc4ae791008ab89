"""The client's own limits on arrivals in any sliding second or minute."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

LIMIT_GUARD_S = 0.02
"""How many seconds late any arrival may start without breaking a limit."""
CHANGE_GUARD_S = 0.25
"""How much later an arrival may have started if the rate was changed after it: it did not know how late it might be."""


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
    """Admits arrivals in order, each as early as the limits allow.

    Those after one of the `changes` of the rate keep a further distance from those before it.
    """

    def __init__(self, limits: Limits | None, changes: Iterable[float] = ()) -> None:
        self._changes = iter((*changes, inf))
        self._change_at_s = next(self._changes)
        self._windows: list[tuple[float, deque[float]]] = [
            (window_s + LIMIT_GUARD_S, deque(maxlen=most)) for window_s, most in (limits.windows if limits else ())
        ]

    def opens_at_s(self, due_at_s: float) -> float:
        """Return when an arrival that is due at `due_at_s` may start."""
        at_s = due_at_s
        while at_s >= self._change_at_s:
            self._pass_change()
        for window_s, admitted in self._windows:
            if len(admitted) == admitted.maxlen:
                at_s = max(at_s, admitted[0] + window_s)
        return at_s

    def admit(self, at_s: float) -> None:
        """Count an arrival that starts at `at_s`."""
        for _, admitted in self._windows:
            admitted.append(at_s)

    def _pass_change(self) -> None:
        self._change_at_s = next(self._changes)
        for _, admitted in self._windows:
            later = [at_s + CHANGE_GUARD_S for at_s in admitted]
            admitted.clear()
            admitted.extend(later)
