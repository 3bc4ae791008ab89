"""The states of a circuit breaker."""

from enum import StrEnum


class State(StrEnum):
    """CLOSED lets every call through, OPEN none, HALF_OPEN a few on trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
