"""The protocols of what every attempt must pass: a breaker that may refuse it, and a quota that may delay it."""

from typing import Protocol

from relayload.core.resilience.breaker import Permit
from relayload.core.resilience.limit import Reservation


class BreakerLike(Protocol):
    """Gives permits for attempts, and takes the outcome once for every permit."""

    def try_acquire(self, now_s: float) -> Permit | None:
        """Return a permit for one attempt, or None if the breaker refuses."""

    def record(self, permit: Permit, *, failed: bool, slow: bool, now_s: float) -> None:
        """Record the outcome of an attempt that says something about the relay."""

    def release(self, permit: Permit, now_s: float) -> None:
        """Give back a permit whose attempt says nothing about the relay, or was never made."""


class QuotaLike(Protocol):
    """Decides when a client may send, by its own or the relay's limits. First come, first served."""

    def reserve(self, tokens: int, now_s: float) -> Reservation:
        """Reserve a start for one attempt of about `tokens` tokens."""

    def settle(self, reservation: Reservation, used_tokens: int, now_s: float) -> None:
        """Record the tokens that a sent attempt used."""

    def cancel(self, reservation: Reservation, now_s: float) -> None:
        """Cancel the reservation of an attempt that was never made."""
