"""The wire: one attempt in, what came of it out. Nothing the relay or the network does raises past here."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from relayload.core.model.record import Attempt
from relayload.core.wire.request import RelayFault, Timeouts, WireRequest


class Answer(Struct, frozen=True, gc=False):
    """One attempt and what a client needs to go on: the headers, the relay's own error, the visible text."""

    attempt: Attempt
    headers: dict[str, str] = {}
    """Of the response, names in lower case."""
    fault: RelayFault | None = None
    """In the relay's own words, which may repeat a secret: to judge by. Those to show are the attempt's."""
    text: str = ""
    """The visible content, where it was asked for."""
    body: bytes = b""
    """Of an answer in one piece, where it was asked for; what it says depends on the endpoint."""


OnText = Callable[[str], None]
"""Is told each piece of visible text as it arrives, in the event loop: it must not wait."""


class Transport(Protocol):
    """A pool of connections to one target."""

    @property
    def kernel_timestamps(self) -> bool:
        """Whether the instants of arrival come from the kernel."""

    def send(
        self, request: WireRequest, timeouts: Timeouts, *, keep_text: bool = False, on_text: OnText | None = None
    ) -> Answer:
        """Send once, without retries, and return when the last byte is there or nothing more will come.

        `keep_text` has the answer carry its text, and its body if it came in one piece; `on_text` is told the text of
        a stream as it comes.

        A greenlet killed while it waits here leaves the connection closed.
        """

    def close(self) -> None: ...
