"""A quota without configuration: it follows the limits that the relay reports in its headers.

Relays with limits report in headers how much remains and when the limit resets. Until the first answer nothing is
known, and calls start at once. Then they start as long as something remains; calls sent after the answered one are not
in the relay's count yet and are subtracted. With nothing left, calls wait for the reset.

**No thundering herd at the reset.** All waiting calls could start at that instant, but what the relay allows then is
unknown. So they start in order, spaced by `longest reset / most that ever remained`, from the relay's own numbers. The
same holds for calls after a reset that the relay has not confirmed yet. The first answer after it ends the spacing for
later calls; existing reservations keep their start.

A relay that refills steadily, like a token bucket, allows more than this uses: it reports when the bucket is full
again, not when it has room for one request.
"""

from relayload.core.resilience.limit import Reservation

UNKNOWN_GAP_S = 1.0
"""The spacing of waiting calls if the relay has only ever reported that nothing remains."""


class HeaderReservation(Reservation, gc=False, eq=False):
    """A reservation with the totals reserved up to and including it."""

    requests_so_far: int = 0
    tokens_so_far: int = 0


class HeaderQuota:
    """A quota that follows the relay, first come, first served. The caller passes the time, which never goes back."""

    def __init__(self) -> None:
        self._requests = _Allowance()
        self._tokens = _Allowance()
        self._requests_so_far = self._tokens_so_far = 0
        self._reported_by = 0
        self._last_start_s = self._start_before_s = float("-inf")
        self._newest: HeaderReservation | None = None

    def reserve(self, tokens: int, now_s: float) -> HeaderReservation:
        """Reserve a start for one request that will use about `tokens` tokens."""
        last_start_s = self._last_start_s
        start_s = self._free_at_s(tokens, max(now_s, last_start_s), now_s)
        self._requests.charge(1, start_s, now_s)
        self._tokens.charge(tokens, start_s, now_s)
        self._requests_so_far += 1
        self._tokens_so_far += tokens
        so_far = (self._requests_so_far, self._tokens_so_far)
        reservation = HeaderReservation(start_s, start_s - now_s, tokens, False, *so_far)
        self._start_before_s, self._last_start_s, self._newest = last_start_s, start_s, reservation
        return reservation

    def observe(
        self,
        reservation: Reservation,
        remaining_requests: int | None,
        reset_requests_s: float | None,
        remaining_tokens: int | None,
        reset_tokens_s: float | None,
        now_s: float,
    ) -> None:
        """Take what the answer to this reservation's call reported. `now_s` is when its headers arrived.

        None means not reported; a remaining count is ignored without its reset. Answers may overtake each other: one to
        a call reserved before that of the newest report is outdated and ignored.
        """
        assert isinstance(reservation, HeaderReservation), "a reservation of another quota"
        if reservation.requests_so_far < self._reported_by:
            return
        self._reported_by, self._newest = reservation.requests_so_far, None
        if remaining_requests is not None and reset_requests_s is not None:
            unseen = self._requests_so_far - reservation.requests_so_far
            self._requests.update(remaining_requests, unseen, reset_requests_s, now_s)
        if remaining_tokens is not None and reset_tokens_s is not None:
            unseen = self._tokens_so_far - reservation.tokens_so_far
            self._tokens.update(remaining_tokens, unseen, reset_tokens_s, now_s)

    def settle(self, reservation: Reservation, used_tokens: int, now_s: float) -> None:  # noqa: ARG002 - as Quota
        """Record the tokens that a sent call used.

        Tokens beyond the reservation are subtracted from what remains; unused ones are not given back, since only the
        relay knows whether it does that. Raises RuntimeError if the reservation was closed before.
        """
        reservation.close()
        if used_tokens > reservation.tokens:
            self._tokens.take(used_tokens - reservation.tokens)
            self._newest = None

    def cancel(self, reservation: Reservation, now_s: float) -> None:  # noqa: ARG002 - as Quota
        """Cancel a call that was never sent. Raises RuntimeError if the reservation was closed before.

        If it is the newest and the relay has reported nothing since, it is undone completely. Otherwise it stays
        subtracted until the answer to a later call reports what remains.
        """
        reservation.close()
        if reservation is self._newest:
            self._requests.undo()
            self._tokens.undo()
            self._requests_so_far -= 1
            self._tokens_so_far -= reservation.tokens
            self._last_start_s, self._newest = self._start_before_s, None

    def _free_at_s(self, tokens: int, start_s: float, now_s: float) -> float:
        """Find a start that suits both limits: waiting for one may outlast the reset of the other, so iterate."""
        while True:
            free_at_s = self._requests.free_at_s(1, start_s, now_s)
            free_at_s = self._tokens.free_at_s(tokens, free_at_s, now_s)
            if free_at_s == start_s:
                return start_s
            start_s = free_at_s


class _Allowance:
    """What the relay reported about requests, or tokens. Until it has, nothing is delayed."""

    __slots__ = ("_before", "_free_at_s", "_longest_reset_s", "_most", "_remaining", "_reset_at_s")

    def __init__(self) -> None:
        self._remaining: int | None = None
        self._reset_at_s = float("-inf")
        self._free_at_s = float("-inf")  # for the next waiting call
        self._most = 0
        self._longest_reset_s = 0.0
        self._before: tuple[int | None, float] = (None, self._free_at_s)

    def free_at_s(self, weight: int, start_s: float, now_s: float) -> float:
        """Return the first instant from `start_s` on at which this much may start."""
        if self._remaining is None:
            return start_s
        if start_s >= self._reset_at_s:
            return max(start_s, self._free_at_s)
        if weight > self._remaining:
            return max(self._reset_at_s, self._free_at_s)
        return start_s if start_s == now_s else max(start_s, self._free_at_s)

    def charge(self, weight: int, start_s: float, now_s: float) -> None:
        """Charge what starts at `start_s`."""
        self._before = (self._remaining, self._free_at_s)
        if self._remaining is None:
            return
        if start_s < self._reset_at_s:
            self._remaining -= weight
        if start_s > now_s or start_s >= self._reset_at_s:
            self._free_at_s = max(self._free_at_s, start_s) + self._gap_s(weight)

    def take(self, weight: int) -> None:
        """Subtract this much from what remains."""
        if self._remaining is not None:
            self._remaining -= weight

    def undo(self) -> None:
        """Undo the newest charge."""
        self._remaining, self._free_at_s = self._before

    def update(self, remaining: int, unseen: int, reset_s: float, now_s: float) -> None:
        """Take a report of what remains, of which `unseen` has been reserved since."""
        self._remaining = remaining - unseen
        self._reset_at_s = now_s + reset_s
        self._most = max(self._most, remaining)
        self._longest_reset_s = max(self._longest_reset_s, reset_s)

    def _gap_s(self, weight: int) -> float:
        return weight * self._longest_reset_s / self._most if self._most else UNKNOWN_GAP_S
