"""Observes what the SDK reads of a response but does not expose: how the body begins and how it ends."""

from collections.abc import Iterator
from itertools import chain

import httpx2

from relayload import clock
from relayload.core.wire.answers import Event, MalformedAnswer
from relayload.core.wire.faults import fault_of_text
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.opening import is_event_stream
from relayload.core.wire.request import Endpoint
from relayload.core.wire.sse import SseParser
from relayload.core.wire.stream import TokenStream

_TAIL_BYTES = 16_384


class Peek:
    """Sits between a response and the SDK that reads it as a stream."""

    def __init__(self, response: httpx2.Response) -> None:
        """Wait for the first bytes. Raises what reading raises."""
        self._pieces = response.iter_bytes()
        self._begun: list[bytes] = []
        self._tail = b""
        self.is_event_stream = self._look(response.headers.get("content-type", ""))
        if self.is_event_stream:
            setattr(response, "iter_bytes", self._iter_bytes)  # noqa: B010 -- for this response only, which mypy forbids

    def body(self) -> bytes:
        """Return the whole body of a response that is no stream. Raises what reading raises."""
        return b"".join(chain(self._begun, self._pieces))

    def complete(self, stream: TokenStream, endpoint: Endpoint) -> None:
        """Add to the stream what the SDK does not expose: `[DONE]`, and errors in fields that it does not know."""
        parser, at_s = SseParser(), clock.now_s()
        for data, name in (*parser.feed(self._tail), *parser.end()):
            try:
                event = FORMATS[endpoint].read_event(data, name)
            except MalformedAnswer:
                stream.text_fault = stream.text_fault or fault_of_text(data)
            else:
                if event is not None and event.done and stream.done_at_s is None:
                    stream.take(Event(done=True), at_s)
                if event is not None and name:
                    stream.take(Event(fault=event.fault), at_s)

    def _look(self, label: str) -> bool:
        for piece in self._pieces:
            self._begun.append(piece)
            is_stream = is_event_stream(self._begun, label, complete=False)
            if is_stream is not None:
                return is_stream
        return bool(is_event_stream(self._begun, label, complete=True))

    def _iter_bytes(self, _chunk_size: int | None = None) -> Iterator[bytes]:
        for piece in chain(self._begun, self._pieces):
            self._tail += piece
            if len(self._tail) > 2 * _TAIL_BYTES:
                self._tail = self._tail[-_TAIL_BYTES:].partition(b"\n")[2]
            yield piece
