"""One limit of a quota, reservations, and the meter that enforces a limit."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct


class Unit(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` in any `per_s` seconds, such as 60 requests in 60 s. Raises ValueError for invalid numbers.

    `burst` is how much may start at once after a pause. With the default of 1, requests are spaced evenly, `per_s /
    amount` apart. With a limit of tokens, a request starts once the tokens of those before it have drained at the
    limit's rate, so one request's tokens, however many, always start at once.
    """

    amount: int
    per_s: float
    unit: Unit = Unit.REQUESTS
    burst: int = 1

    def __post_init__(self) -> None:
        for name, number in (("amount", self.amount), ("burst", self.burst)):
            if number < 1:
                raise ValueError(f"{name}: expected at least 1, got {number}")
        if self.per_s <= 0:
            raise ValueError(f"per_s: expected above 0, got {self.per_s}")

    @classmethod
    def tokens(cls, amount: int, per_s: float, burst: int = 1) -> "Limit":
        """Return a limit of tokens, input and output together."""
        return cls(amount, per_s, Unit.TOKENS, burst)


class Reservation(Struct, gc=False, eq=False):
    """When one call may start. It is closed exactly once: settled if the call was sent, cancelled if not."""

    start_at_s: float
    wait_s: float
    """Seconds from the request to the start: the caller sleeps once and then starts."""
    tokens: int
    """The estimated tokens, later what the call really used."""
    closed: bool = False

    def close(self) -> None:
        """Mark it as given back. Raises RuntimeError if called again."""
        if self.closed:
            raise RuntimeError("quota: a reservation was given back twice")
        self.closed = True


class Meter:
    """Computes when a limit has room, and counts what starts.

    Pace: GCRA. What is charged drains at the limit's rate. A call starts once everything before it has drained, or
    earlier by the part of the burst that it leaves. Source: ITU-T I.371, the virtual scheduling algorithm.

    Window: the sum of what starts in (start - window, start], because with bursts or returned tokens the pace alone
    could exceed the limit within a window. Evenly spaced requests cannot, and need no window.
    """

    __slots__ = (
        "_amount",
        "_burst",
        "_by_tokens",
        "_drained_at_s",
        "_drained_before_s",
        "_has_window",
        "_in_window",
        "_left",
        "_limit",
        "_spacing_s",
        "_sum",
        "_window_s",
    )

    def __init__(self, limit: Limit, guard_s: float) -> None:
        self._limit = limit
        self._amount = limit.amount
        self._burst = limit.burst
        self._by_tokens = limit.unit is Unit.TOKENS
        self._has_window = self._by_tokens or limit.burst > 1
        self._window_s = limit.per_s + guard_s
        self._spacing_s = self._window_s / limit.amount
        self._drained_at_s = self._drained_before_s = float("-inf")
        self._in_window: deque[Reservation] = deque()
        self._sum = 0
        self._left: list[Reservation] = []  # what left the window for the newest reservation, in case of an undo

    def resize(self, amount: int) -> None:
        """Enforce a part of the limit, or another one, from now on."""
        self._amount = amount
        self._burst = max(1, self._limit.burst * amount // self._limit.amount)
        self._spacing_s = self._window_s / amount

    def free_at_s(self, tokens: int, start_s: float) -> float:
        """Return the first instant from `start_s` on at which the limit has room. Call once per reservation."""
        weight = tokens if self._by_tokens else 1
        spare = self._burst - weight
        free_at_s = self._drained_at_s - spare * self._spacing_s if spare > 0 else self._drained_at_s
        if free_at_s > start_s:
            start_s = free_at_s
        return self._roomy_at_s(weight, start_s) if self._has_window else start_s

    def charge(self, reservation: Reservation) -> None:
        """Charge a reservation at its start."""
        start_s = reservation.start_at_s
        weight = reservation.tokens if self._by_tokens else 1
        self._drained_before_s = drained_at_s = self._drained_at_s
        self._drained_at_s = (drained_at_s if drained_at_s > start_s else start_s) + weight * self._spacing_s
        if self._has_window:
            in_window = self._in_window
            while in_window and in_window[0].start_at_s + self._window_s <= start_s:
                self._leave()
            in_window.append(reservation)
            self._sum += weight

    def correct(self, reservation: Reservation, more: int, last_start_s: float, now_s: float) -> None:
        """Correct the charge of a call that used `more` (or, if negative, fewer) tokens than reserved."""
        if not self._by_tokens:
            return
        self._drained_at_s = max(self._drained_at_s, now_s) + more * self._spacing_s
        if reservation.start_at_s + self._window_s > last_start_s:
            self._sum += more

    def undo(self) -> None:
        """Undo the newest charge. Nothing may have been corrected since."""
        self._drained_at_s = self._drained_before_s
        if self._has_window:
            self._sum -= self._weight(self._in_window.pop())
            while self._left:
                self._in_window.appendleft(self._left.pop())
                self._sum += self._weight(self._in_window[0])

    def _roomy_at_s(self, weight: int, start_s: float) -> float:
        """Return when the window has room. A request larger than the limit starts when the window is empty."""
        self._left.clear()
        room = max(self._amount - weight, 0)
        while self._sum > room:
            start_s = max(start_s, self._leave() + self._window_s)
        return start_s

    def _leave(self) -> float:
        """Remove the oldest from the window, and return when it started."""
        oldest = self._in_window.popleft()
        self._left.append(oldest)
        self._sum -= self._weight(oldest)
        return oldest.start_at_s

    def _weight(self, reservation: Reservation) -> int:
        return reservation.tokens if self._by_tokens else 1
