"""The wire: sends one attempt and returns its result. Failures of the relay or the network never raise past here."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from relayload.core.model.record import Attempt
from relayload.core.wire.kept import Kept
from relayload.core.wire.request import RelayFault, Timeouts, WireRequest


class Answer(Struct, frozen=True, gc=False):
    """One attempt, with what a client needs to continue: the headers, the relay's error and the visible text."""

    attempt: Attempt
    headers: dict[str, str] = {}
    """The response headers, with lower-case names."""
    fault: RelayFault | None = None
    """The relay's own words, for decisions only: they may repeat a secret. Show the attempt's message instead."""
    text: str = ""
    """The visible content, if `keep_text` was set."""
    body: bytes = b""
    """The body of an answer that was not streamed, if `keep_text` was set. Its format depends on the endpoint."""
    kept: Kept | None = None
    """What is kept to be audited of an ok answer, if it was `sampled`."""


OnText = Callable[[str], None]
"""Receives each piece of visible text as it arrives. Runs in the event loop and must not wait."""


class Transport(Protocol):
    """A pool of connections to one target."""

    @property
    def kernel_timestamps(self) -> bool:
        """Whether arrival times come from the kernel."""

    def send(
        self,
        request: WireRequest,
        timeouts: Timeouts,
        *,
        keep_text: bool = False,
        on_text: OnText | None = None,
        sampled: bool = False,
    ) -> Answer:
        """Send once, without retries, and return when the last byte has arrived or nothing more will come.

        `keep_text` keeps the text in the answer, and the body of an answer that was not streamed. `on_text` receives
        the text of a stream as it arrives. A `sampled` answer is also kept to be audited, which never makes it fail.

        If the greenlet is killed while it waits here, the connection is closed.
        """

    def close(self) -> None: ...
