"""A client's own quota: several limits on requests and tokens at once, enforced by waiting.

Each caller gets a reservation at once, first come, first served, with the time to wait: there is no polling, and a
reservation costs the same however many are waiting. All limits are charged for the instant at which the strictest of
them has room. Instants that were given never move.

The guarantee: **no sliding window (t, t + per_s] holds more than the limit**, counting requests that start in it or
tokens used by them, whatever the burst. Until a call is settled, its reserved tokens count; afterwards those it used,
at its start. Only what a call uses beyond its reservation can exceed the limit, and later calls wait for it. A request
of more tokens than the whole limit starts when nothing else is in its window.
"""

from collections.abc import Sequence

from relayload.core.resilience.limit import Limit, Meter, Reservation, Unit
from relayload.core.traffic.limits import LIMIT_GUARD_S


class Quota:
    """Keeps to all its limits. The caller passes the time, which never goes back.

    `guard_s` is how many seconds late a call may really start without breaking a limit: windows are `per_s + guard_s`
    long. The default costs 2 % of the rate at 10/s, and 0.03 % at 60/min.
    """

    def __init__(self, limits: Sequence[Limit], guard_s: float = LIMIT_GUARD_S) -> None:
        self._meters = tuple(Meter(limit, guard_s) for limit in limits)
        self._token_meters = tuple(
            meter for meter, limit in zip(self._meters, limits, strict=True) if limit.unit is Unit.TOKENS
        )
        self._last_start_s = self._start_before_s = float("-inf")
        self._newest: Reservation | None = None

    @property
    def last_start_s(self) -> float:
        """The last instant that was given to a caller; -inf before the first."""
        return self._last_start_s

    def resize(self, amounts: Sequence[int]) -> None:
        """Set the amount of each limit, at least 1, for later reservations."""
        for meter, amount in zip(self._meters, amounts, strict=True):
            meter.resize(amount)
        self._newest = None

    def reserve(self, tokens: int, now_s: float) -> Reservation:
        """Reserve the first instant that all limits allow, for one request of about `tokens` tokens."""
        last_start_s = self._last_start_s
        start_s = last_start_s if last_start_s > now_s else now_s
        for meter in self._meters:
            start_s = meter.free_at_s(tokens, start_s)
        reservation = Reservation(start_s, start_s - now_s, tokens)
        for meter in self._meters:
            meter.charge(reservation)
        self._start_before_s, self._last_start_s, self._newest = last_start_s, start_s, reservation
        return reservation

    def settle(self, reservation: Reservation, used_tokens: int, now_s: float) -> None:
        """Record the tokens that a sent call used. The difference affects later reservations.

        Raises RuntimeError if the reservation was closed before.
        """
        reservation.close()
        self._correct(reservation, used_tokens, now_s)

    def cancel(self, reservation: Reservation, now_s: float) -> None:
        """Cancel a call that was never sent. Raises RuntimeError if the reservation was closed before.

        If it is the newest, and no call was settled with other tokens than reserved since, it is undone completely.
        Otherwise later reservations exist and keep their instants: its tokens are given back, but the request stays
        charged, because the next one would otherwise start together with one that is already reserved.
        """
        reservation.close()
        if reservation is self._newest:
            self._undo()
        else:
            self._correct(reservation, 0, now_s)

    def _correct(self, reservation: Reservation, tokens: int, now_s: float) -> None:
        more = tokens - reservation.tokens
        if more and self._token_meters:
            for meter in self._token_meters:
                meter.correct(reservation, more, self._last_start_s, now_s)
            reservation.tokens = tokens
            self._newest = None

    def _undo(self) -> None:
        for meter in self._meters:
            meter.undo()
        self._last_start_s, self._newest = self._start_before_s, None
