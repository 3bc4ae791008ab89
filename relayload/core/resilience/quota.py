"""A client's own quota: several limits on requests and tokens at once, kept to by waiting.

Whoever asks gets a place at once, first come, first served, and is told how long to wait: nobody polls, and a
reservation costs the same whether nobody or a thousand wait. All limits are charged for the instant at which the
strictest of them has room. That instant and those before it never move.

The guarantee: **no sliding window (t, t + per_s] holds more than the limit**, of requests that start in it or of
tokens used by them, whatever the burst. Tokens are what was reserved until a call is settled, and what it used from
then on, counted at its start: only what a call uses beyond its reservation can exceed the limit, and what follows
waits for it. One request of more tokens than the whole limit is let in when nothing else is in its window.
"""

from collections.abc import Sequence

from relayload.core.resilience.limit import Limit, Meter, Reservation, Unit
from relayload.core.traffic.limits import LIMIT_GUARD_S


class Quota:
    """Keeps to all its limits. Instants are the caller's, and never go back.

    `guard_s` is how much later than told a call may really start without breaking a limit: windows are kept for
    `per_s + guard_s`. At 10/s the default costs 2 % of the rate, at 60/min 0.03 %.
    """

    def __init__(self, limits: Sequence[Limit], guard_s: float = LIMIT_GUARD_S) -> None:
        self._meters = tuple(Meter(limit, guard_s) for limit in limits)
        self._token_meters = tuple(
            meter for meter, limit in zip(self._meters, limits, strict=True) if limit.unit is Unit.TOKENS
        )
        self._last_start_s = self._start_before_s = float("-inf")
        self._newest: Reservation | None = None

    def reserve(self, tokens: int, now_s: float) -> Reservation:
        """A place for one request that will use about so many tokens, at the first instant all limits allow."""
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
        """The call was sent, and used so many tokens: later reservations feel the difference.

        Raises RuntimeError if the reservation was given back before.
        """
        reservation.close()
        self._correct(reservation, used_tokens, now_s)

    def cancel(self, reservation: Reservation, now_s: float) -> None:
        """The call was never sent. Raises RuntimeError if the reservation was given back before.

        If it is the newest, and no call was settled with other tokens than reserved since, all is as if it had never
        been. Otherwise others have been told to start after it, and keep their instants: its tokens are given back,
        but the request stays charged, since the next one would start together with one that already has a place.
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
