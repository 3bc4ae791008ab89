"""What stands before every attempt of a call: a breaker that may refuse it, and a quota that may hold it back."""

from typing import Any, Protocol


class Breaker(Protocol):
    """What a call asks for permission, and tells what came of it."""

    def try_acquire(self, now_s: float) -> Any | None:
        """A permit for one attempt; None where the breaker refuses."""

    def record(self, permit: Any, *, failed: bool, slow: bool, now_s: float) -> Any:
        """The attempt told something about the relay."""

    def release(self, permit: Any, now_s: float) -> Any:
        """The attempt told nothing about the relay, or was never made."""


class Reservation(Protocol):
    """A place in the queue for quota."""

    @property
    def wait_s(self) -> float:
        """Seconds until it may be used."""


class Quota(Protocol):
    """What a client may send, by its own account."""

    def reserve(self, tokens: int, now_s: float) -> Any:
        """A Reservation for one attempt of about so many tokens."""

    def settle(self, reservation: Any, used_tokens: int, now_s: float) -> Any:
        """The attempt was made, and took so many tokens."""

    def cancel(self, reservation: Any, now_s: float) -> Any:
        """The attempt was never made."""
