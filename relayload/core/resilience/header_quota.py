"""A quota nobody configured: it follows what the relay tells with its answers.

Relays that limit say in headers how much remains and when all of it is back. Until the first answer nothing is known,
and calls go at once. Then they go as long as something remains; what was sent after the answered request is not in
the relay's account yet, and is taken off. With nothing left, calls wait for the reset.

**No herd at the reset.** All who wait could go at that instant, and nobody knows what the relay will allow then: so
they go in order, spread as widely as the relay's own numbers say, `longest reset / most that ever remained` apart.
The same holds for calls after a reset of which the relay has not told yet. The first answer after it ends that for
all that ask from then on; who has a place keeps it.

A relay that refills steadily, as a bucket, allows more than this uses: it tells when the bucket is full again, not
when it has room for one.
"""

from relayload.core.resilience.limit import Reservation

UNKNOWN_GAP_S = 1.0
"""Between those who wait while the relay has only ever said that nothing remains."""


class Place(Reservation, gc=False, eq=False):
    """A reservation that knows how much was reserved until and with it."""

    requests_so_far: int = 0
    tokens_so_far: int = 0


class HeaderQuota:
    """Follows the relay. Instants are the caller's, and never go back; whoever asks first goes first."""

    def __init__(self) -> None:
        self._requests = _Allowance()
        self._tokens = _Allowance()
        self._requests_so_far = self._tokens_so_far = 0
        self._told_by = 0
        self._last_start_s = self._start_before_s = float("-inf")
        self._newest: Place | None = None

    def reserve(self, tokens: int, now_s: float) -> Place:
        """A place for one request that will use about so many tokens."""
        last_start_s = self._last_start_s
        start_s = self._free_at_s(tokens, max(now_s, last_start_s), now_s)
        self._requests.charge(1, start_s, now_s)
        self._tokens.charge(tokens, start_s, now_s)
        self._requests_so_far += 1
        self._tokens_so_far += tokens
        so_far = (self._requests_so_far, self._tokens_so_far)
        place = Place(start_s, start_s - now_s, tokens, False, *so_far)
        self._start_before_s, self._last_start_s, self._newest = last_start_s, start_s, place
        return place

    def observe(
        self,
        reservation: Reservation,
        remaining_requests: int | None,
        reset_requests_s: float | None,
        remaining_tokens: int | None,
        reset_tokens_s: float | None,
        now_s: float,
    ) -> None:
        """What the answer to this reservation's call told; `now_s` is when its headers came.

        None where it did not tell; what remains says nothing without its reset. Answers overtake each other: one
        to a call that was reserved before the one that told last is not news, and is not looked at.
        """
        assert isinstance(reservation, Place), "a reservation of another quota"
        if reservation.requests_so_far < self._told_by:
            return
        self._told_by, self._newest = reservation.requests_so_far, None
        if remaining_requests is not None and reset_requests_s is not None:
            unseen = self._requests_so_far - reservation.requests_so_far
            self._requests.told(remaining_requests, unseen, reset_requests_s, now_s)
        if remaining_tokens is not None and reset_tokens_s is not None:
            unseen = self._tokens_so_far - reservation.tokens_so_far
            self._tokens.told(remaining_tokens, unseen, reset_tokens_s, now_s)

    def settle(self, reservation: Reservation, used_tokens: int, now_s: float) -> None:  # noqa: ARG002 - Quota's words
        """The call was sent, and used so many tokens.

        More than reserved are taken off what remains; fewer are not given back, since only the relay knows whether
        it does so. Raises RuntimeError if the reservation was given back before.
        """
        reservation.close()
        if used_tokens > reservation.tokens:
            self._tokens.take(used_tokens - reservation.tokens)
            self._newest = None

    def cancel(self, reservation: Reservation, now_s: float) -> None:  # noqa: ARG002 - Quota's words
        """The call was never sent. Raises RuntimeError if the reservation was given back before.

        If it is the newest and nothing was told since, all is as if it had never been. Otherwise it stays taken off
        until the answer to a later call tells what remains.
        """
        reservation.close()
        if reservation is self._newest:
            self._requests.undo()
            self._tokens.undo()
            self._requests_so_far -= 1
            self._tokens_so_far -= reservation.tokens
            self._last_start_s, self._newest = self._start_before_s, None

    def _free_at_s(self, tokens: int, start_s: float, now_s: float) -> float:
        """Waiting for the one may outlast the reset of the other: asked until both agree."""
        while True:
            free_at_s = self._requests.free_at_s(1, start_s, now_s)
            free_at_s = self._tokens.free_at_s(tokens, free_at_s, now_s)
            if free_at_s == start_s:
                return start_s
            start_s = free_at_s


class _Allowance:
    """What the relay told of requests, or of tokens. Nobody is held back before it has."""

    __slots__ = ("_before", "_free_at_s", "_longest_reset_s", "_most", "_remaining", "_reset_at_s")

    def __init__(self) -> None:
        self._remaining: int | None = None
        self._reset_at_s = float("-inf")
        self._free_at_s = float("-inf")  # for the next of those who wait in line
        self._most = 0
        self._longest_reset_s = 0.0
        self._before: tuple[int | None, float] = (None, self._free_at_s)

    def free_at_s(self, weight: int, start_s: float, now_s: float) -> float:
        """The first instant from `start_s` on at which so much may go."""
        if self._remaining is None:
            return start_s
        if start_s >= self._reset_at_s:
            return max(start_s, self._free_at_s)
        if weight > self._remaining:
            return max(self._reset_at_s, self._free_at_s)
        return start_s if start_s == now_s else max(start_s, self._free_at_s)

    def charge(self, weight: int, start_s: float, now_s: float) -> None:
        """So much goes then."""
        self._before = (self._remaining, self._free_at_s)
        if self._remaining is None:
            return
        if start_s < self._reset_at_s:
            self._remaining -= weight
        if start_s > now_s or start_s >= self._reset_at_s:
            self._free_at_s = max(self._free_at_s, start_s) + self._gap_s(weight)

    def take(self, weight: int) -> None:
        """So much is gone, too."""
        if self._remaining is not None:
            self._remaining -= weight

    def undo(self) -> None:
        """Forget the newest charge."""
        self._remaining, self._free_at_s = self._before

    def told(self, remaining: int, unseen: int, reset_s: float, now_s: float) -> None:
        """So much remained, of which so much has been promised since."""
        self._remaining = remaining - unseen
        self._reset_at_s = now_s + reset_s
        self._most = max(self._most, remaining)
        self._longest_reset_s = max(self._longest_reset_s, reset_s)

    def _gap_s(self, weight: int) -> float:
        return weight * self._longest_reset_s / self._most if self._most else UNKNOWN_GAP_S
