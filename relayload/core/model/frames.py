"""Messages between this process and those that help it, each with its length before it."""

from typing import Protocol

LENGTH_BYTES = 4


class Readable(Protocol):
    """A pipe, or what reads a socket."""

    def read(self, size: int, /) -> bytes: ...


def framed(message: bytes) -> bytes:
    """Return a message as it travels."""
    return len(message).to_bytes(LENGTH_BYTES) + message


def next_frame(source: Readable) -> bytes | None:
    """Return the next message; None if the source ends first. Raises OSError if it can't be read."""
    head = source.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head)
    data = source.read(length)
    return data if len(data) == length else None
