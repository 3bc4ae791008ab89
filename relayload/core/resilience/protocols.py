"""What stands before every attempt of a call: a breaker that may refuse it, and a quota that may hold it back."""

from typing import Protocol

from relayload.core.resilience.breaker import Permit
from relayload.core.resilience.limit import Reservation


class BreakerLike(Protocol):
    """What a call asks for permission, and tells what came of it: once for every permit."""

    def try_acquire(self, now_s: float) -> Permit | None:
        """A permit for one attempt; None where the breaker refuses."""

    def record(self, permit: Permit, *, failed: bool, slow: bool, now_s: float) -> None:
        """The attempt told something about the relay."""

    def release(self, permit: Permit, now_s: float) -> None:
        """The attempt told nothing about the relay, or was never made."""


class QuotaLike(Protocol):
    """What a client may send, by its own account or by the relay's: whoever asks first goes first."""

    def reserve(self, tokens: int, now_s: float) -> Reservation:
        """A place in the line for one attempt of about so many tokens."""

    def settle(self, reservation: Reservation, used_tokens: int, now_s: float) -> None:
        """The attempt was made, and took so many tokens."""

    def cancel(self, reservation: Reservation, now_s: float) -> None:
        """The attempt was never made."""
