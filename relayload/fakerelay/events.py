"""The events of a streamed answer, independent of the format."""

from typing import Protocol


class Events(Protocol):
    """Renders the events of one answer, each as the bytes of a server-sent event.

    Every method returns the same bytes on every call, because faults repeat and omit events.
    """

    def opening(self) -> list[bytes]:
        """Return the events sent with the first token, before it."""

    def first(self, token: int, wall_ns: int, word: str | None = None) -> bytes:
        """Return the first token that is sent, stamped with the instant of writing."""
        stamp = b',"x_relayload":{"first_token_ns":%d}}\n\n' % wall_ns
        return self.token(token, word)[: -len(b"}\n\n")] + stamp

    def token(self, token: int, word: str | None = None) -> bytes:
        """Return a later token, with `word` in place of its own text if given."""

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        """Return the events sent with the last token, after it."""
