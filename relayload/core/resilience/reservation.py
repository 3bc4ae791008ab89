"""A place in the line for quota."""

from msgspec import Struct


class Reservation(Struct, gc=False, eq=False):
    """When one call may start. It is given back exactly once: settled if the call was sent, cancelled if not."""

    start_at_s: float
    wait_s: float
    """From the instant it was asked for: the caller sleeps once, and then goes."""
    tokens: int
    """As far as is known: the estimate, then what the call really used."""
    closed: bool = False

    def close(self) -> None:
        """It is being given back. Raises RuntimeError the second time."""
        if self.closed:
            raise RuntimeError("quota: a reservation was given back twice")
        self.closed = True
