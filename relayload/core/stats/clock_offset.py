"""The offset between the monotonic clocks of two hosts, from questions and answers with timestamps (RFC 5905).

The offset of one exchange is right if both ways took equally long, and off by at most half the round trip if they did
not. Afterwards it ages: crystals drift apart. So the best exchange is the one with the least bound, half its round trip
and what the clocks may have drifted since.
"""

from typing import NamedTuple

MOST_DRIFT = 50e-6
"""Seconds per second by which two clocks are taken to drift apart: the tolerance of crystal oscillators."""


class Exchange(NamedTuple):
    """A question and its answer. The outer instants are of the asker's clock, the inner ones of the other."""

    asked_at_s: float
    received_at_s: float
    answered_at_s: float
    arrived_at_s: float

    @property
    def offset_s(self) -> float:
        """The other clock minus the asker's: ((t2 - t1) + (t3 - t4)) / 2."""
        return ((self.received_at_s - self.asked_at_s) + (self.answered_at_s - self.arrived_at_s)) / 2

    @property
    def round_trip_s(self) -> float:
        """The seconds on the way: (t4 - t1) - (t3 - t2)."""
        return (self.arrived_at_s - self.asked_at_s) - (self.answered_at_s - self.received_at_s)


class ClockOffset:
    """The offset from another clock to one's own by the best of all exchanges so far."""

    def __init__(self) -> None:
        self._best: Exchange | None = None

    @property
    def offset_s(self) -> float | None:
        """The other clock minus one's own; None before the first exchange."""
        return self._best.offset_s if self._best else None

    def error_s(self, now_s: float) -> float | None:
        """Return how far the offset may be off at an instant of one's own clock; None before the first exchange."""
        return _error_s(self._best, now_s) if self._best else None

    def add(self, exchange: Exchange) -> None:
        """Take note of an exchange, in the order in which the answers arrived.

        If it contradicts the best one, a clock was halted or stepped in between, and the new exchange replaces it.
        """
        now_s, best = exchange.arrived_at_s, self._best
        if best is not None and _error_s(exchange, now_s) > _error_s(best, now_s) and _agree(exchange, best, now_s):
            return
        self._best = exchange


def _error_s(exchange: Exchange, now_s: float) -> float:
    return exchange.round_trip_s / 2 + MOST_DRIFT * max(0.0, now_s - exchange.arrived_at_s)


def _agree(one: Exchange, other: Exchange, now_s: float) -> bool:
    """Return whether an offset exists that lies within the bounds of both."""
    return abs(one.offset_s - other.offset_s) <= _error_s(one, now_s) + _error_s(other, now_s)
