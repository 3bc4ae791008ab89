"""The call history of a circuit breaker: how many calls ended, how many failed or were slow, and since when.

Adding a call is amortised O(1), and memory is bounded at any rate of calls.
"""

from collections import deque
from typing import Protocol

SLICES = 60
"""The slices of a time window, which may lack up to one slice (1/60 of it) at its old end."""


class Counts(Protocol):
    """Counts of calls that ended."""

    @property
    def calls(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def slow(self) -> int: ...
    @property
    def first_failed_at_s(self) -> float | None:
        """When the first of the failures ended."""

    @property
    def first_slow_at_s(self) -> float | None:
        """When the first of the slow calls ended."""

    def add(self, failed: bool, slow: bool, at_s: float) -> None:
        """Count a call that ended at `at_s`. Instants never go back."""


class CallCounts:
    """Counts all calls since its creation."""

    __slots__ = ("calls", "failures", "first_failed_at_s", "first_slow_at_s", "slow")

    def __init__(self) -> None:
        self.calls = self.failures = self.slow = 0
        self.first_failed_at_s: float | None = None
        self.first_slow_at_s: float | None = None

    def add(self, failed: bool, slow: bool, at_s: float) -> None:
        self.calls += 1
        if failed:
            self.failures += 1
            if self.first_failed_at_s is None:
                self.first_failed_at_s = at_s
        if slow:
            self.slow += 1
            if self.first_slow_at_s is None:
                self.first_slow_at_s = at_s


class CountWindow:
    """Counts the last `size` calls."""

    __slots__ = ("_calls", "_size", "failures", "slow")

    def __init__(self, size: int) -> None:
        self.failures = self.slow = 0
        self._size = size
        self._calls: deque[tuple[bool, bool, float]] = deque()

    @property
    def calls(self) -> int:
        return len(self._calls)

    @property
    def first_failed_at_s(self) -> float | None:
        return next((at_s for failed, _, at_s in self._calls if failed), None)

    @property
    def first_slow_at_s(self) -> float | None:
        return next((at_s for _, slow, at_s in self._calls if slow), None)

    def add(self, failed: bool, slow: bool, at_s: float) -> None:
        if len(self._calls) == self._size:
            had_failed, was_slow, _ = self._calls.popleft()
            self.failures -= had_failed
            self.slow -= was_slow
        self._calls.append((failed, slow, at_s))
        self.failures += failed
        self.slow += slow


class TimeWindow:
    """Counts the calls of the last `window_s` seconds, in slices that begin at multiples of their width.

    The current slice and the ones before it count, so nothing older than the window is included.
    """

    __slots__ = ("_count", "_current", "_slice_s", "_slices", "_until_s", "calls", "failures", "slow")

    def __init__(self, window_s: float, slices: int = SLICES) -> None:
        self.calls = self.failures = self.slow = 0
        self._count = slices
        self._slice_s = window_s / slices
        self._slices: deque[tuple[int, CallCounts]] = deque()
        self._current = CallCounts()
        self._until_s = float("-inf")

    @property
    def first_failed_at_s(self) -> float | None:
        return next((each.first_failed_at_s for _, each in self._slices if each.failures), None)

    @property
    def first_slow_at_s(self) -> float | None:
        return next((each.first_slow_at_s for _, each in self._slices if each.slow), None)

    def add(self, failed: bool, slow: bool, at_s: float) -> None:
        self.forget(at_s)
        self._current.add(failed, slow, at_s)
        self.calls += 1
        self.failures += failed
        self.slow += slow

    def forget(self, now_s: float) -> None:
        """Forget what is older than the window at `now_s`."""
        if now_s < self._until_s:
            return
        number = int(now_s // self._slice_s)
        self._until_s = (number + 1) * self._slice_s
        self._current = CallCounts()
        while self._slices and self._slices[0][0] <= number - self._count:
            self._subtract(self._slices.popleft()[1])
        self._slices.append((number, self._current))

    def _subtract(self, old: CallCounts) -> None:
        self.calls -= old.calls
        self.failures -= old.failures
        self.slow -= old.slow
