"""Sending an answer at the instants that were drawn for it."""

from typing import Protocol

from relayload import clock
from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.wire import LAST_CHUNK, Wire


class Events(Protocol):
    """A streamed answer in some format, as chunks ready to be written."""

    def opening(self) -> bytes: ...

    def first(self, token: int, wall_ns: int) -> bytes: ...

    def next(self, token: int) -> bytes: ...

    def closing(self) -> bytes: ...


class TokenStream:
    """Writes one token after another, each at its own instant, however late the one before it was.

    A job of the ticker. Tokens that fall due between two ticks go out together.
    """

    def __init__(self, wire: Wire, reply: Reply, events: Events, head: bytes, started_at_s: float) -> None:
        self._wire = wire
        self._reply = reply
        self._events = events
        self._head = head
        self._started_at_s = started_at_s
        self._next = reply.first_shown

    @property
    def due_s(self) -> float:
        """The instant of the next token."""
        return self._started_at_s + self._reply.due_s(self._next)

    def __call__(self, now_s: float) -> float | None:
        if not self._wire.open:
            return None
        if self._next == self._reply.first_shown:
            self._write_first()
        else:
            self._write_due(now_s)
        if self._next < self._reply.output_tokens:
            return self.due_s
        self._wire.end()
        return None

    def _write_first(self) -> None:
        before = self._head + self._events.opening()
        token, self._next = self._next, self._next + 1
        end = self._end()
        self._wire.write(b"".join((before, self._events.first(token, clock.wall_ns()), end)))

    def _write_due(self, now_s: float) -> None:
        reply = self._reply
        elapsed_s = now_s - self._started_at_s - reply.ttft_s
        due = min(reply.output_tokens, max(self._next, int(elapsed_s * reply.tokens_per_s)) + 1)
        tokens, self._next = range(self._next, due), due
        next_token = self._events.next
        self._wire.write(b"".join([*map(next_token, tokens), self._end()]))

    def _end(self) -> bytes:
        return self._events.closing() + LAST_CHUNK if self._next == self._reply.output_tokens else b""
