"""Sends answers at the instants that were drawn for them. The classes are jobs of the ticker."""

from collections import deque

from relayload import clock
from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.events import Events
from relayload.fakerelay.request_log import Entry
from relayload.fakerelay.script import Ending, Script, Write
from relayload.fakerelay.wire import LAST_CHUNK, Wire, chunk


class Body:
    """Writes an answer that is not streamed at once."""

    def __init__(self, wire: Wire, entry: Entry, data: bytes) -> None:
        self._wire = wire
        self._entry = entry
        self._data = data

    def __call__(self, _now_s: float) -> None:
        if self._wire.open:
            self._entry.first_byte_ns = clock.wall_ns()
            self._wire.write(self._data)
            self._wire.end()


class TokenStream:
    """Writes tokens, each at its own instant, however late the one before was.

    Tokens that become due between two ticks are sent together.
    """

    def __init__(
        self, wire: Wire, entry: Entry, reply: Reply, events: Events, head: bytes, started_at_s: float
    ) -> None:
        self._wire = wire
        self._entry = entry
        self._events = events
        self._head = head
        self._first_at_s = started_at_s + reply.ttft_s
        self._first = self._next = reply.first_shown
        self._end = reply.output_tokens
        self._rate_per_s = reply.tokens_per_s

    @property
    def due_at_s(self) -> float:
        """The instant of the next token."""
        return self._first_at_s + self._next / self._rate_per_s

    def __call__(self, now_s: float) -> float | None:
        if not self._wire.open:
            return None
        if self._next == self._first:
            self._write_first()
        else:
            self._write_due(now_s)
        if self._next < self._end:
            return self._first_at_s + self._next / self._rate_per_s
        self._wire.end()
        return None

    def _write_first(self) -> None:
        before = b"".join((self._head, *map(chunk, self._events.opening())))
        self._next += 1
        after = self._closing()
        wall_ns = clock.wall_ns()
        self._wire.write(b"".join((before, chunk(self._events.first(self._first, wall_ns)), after)))
        self._entry.first_byte_ns = wall_ns

    def _write_due(self, now_s: float) -> None:
        token = self._next
        due = int((now_s - self._first_at_s) * self._rate_per_s)
        self._next = end = min(self._end, max(token, due) + 1)
        data = b"".join([chunk(self._events.token(each)) for each in range(token, end)])
        self._wire.write(data if end < self._end else data + self._closing())

    def _closing(self) -> bytes:
        if self._next < self._end:
            return b""
        return b"".join((*map(chunk, self._events.closing()), LAST_CHUNK))


class ScriptedAnswer:
    """Writes an answer according to a script."""

    def __init__(self, wire: Wire, entry: Entry, script: Script, head: bytes, started_at_s: float) -> None:
        self._wire = wire
        self._entry = entry
        self._script = script
        self._head = head
        self._started_at_s = started_at_s
        self._writes = deque(script.writes)
        self._packets: deque[bytes] = deque()
        self._pause_s = 0.0

    @property
    def due_at_s(self) -> float:
        """The instant of the next write, or of the end."""
        return self._started_at_s + (self._writes[0].at_s if self._writes else self._script.ends_at_s)

    def __call__(self, now_s: float) -> float | None:
        if not self._wire.open:
            return None
        if not self._packets and self._writes:
            self._render(self._writes.popleft())
        if self._packets:
            self._wire.write(self._packets.popleft())
        if self._packets:
            return now_s + self._pause_s
        if self._writes:
            return self.due_at_s
        self._end()
        return None

    def _render(self, write: Write) -> None:
        wall_ns = clock.wall_ns()
        chunked = self._script.length is None
        data = self._head + write.render(wall_ns, chunk if chunked else bytes)
        if self._head:
            self._head = b""
            self._entry.first_byte_ns = wall_ns
        if not self._writes and chunked and self._script.ending is Ending.COMPLETE:
            data += LAST_CHUNK
        self._packets.extend(write.cut.pieces(data) if write.cut else [data])
        self._pause_s = write.cut.pause_s if write.cut else 0.0

    def _end(self) -> None:
        if self._script.ending is Ending.RESET:
            self._wire.reset()
        else:
            self._wire.end(close=self._script.ending is Ending.CLOSE)
