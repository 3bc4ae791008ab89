"""The events of a streamed answer, in whatever format."""

from typing import Protocol


class Events(Protocol):
    """Makes the events of one answer, each as the bytes of a server-sent event.

    Every method gives the same bytes whenever it is called: faults repeat and leave out events.
    """

    def opening(self) -> list[bytes]:
        """What comes with the first token, before it."""

    def first(self, token: int, wall_ns: int, word: str | None = None) -> bytes:
        """The first token that is shown, stamped with the instant of its writing."""
        stamp = b',"x_relayload":{"first_token_ns":%d}}\n\n' % wall_ns
        return self.token(token, word)[: -len(b"}\n\n")] + stamp

    def token(self, token: int, word: str | None = None) -> bytes:
        """A later token; `word` in place of the one it would hold."""

    def closing(self, *, with_usage: bool = True) -> list[bytes]:
        """What comes with the last token, after it."""
