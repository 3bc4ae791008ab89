"""uvicorn's HTTP/1.1, which also lends the application the connection itself.

ASGI has no words for what a fake relay must do: write at one exact instant, cut a response, reset a connection,
lie about a length. The extension `relayload.wire` of each request's scope is a `Wire`, which has.
"""

import asyncio
import os
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from relayload import clock

EXTENSION = "relayload.wire"
CHUNKED = b"transfer-encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def chunk(payload: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def phrase_of(status: int) -> str:
    """`Bad Gateway` of 502; empty where the registry has none, as for 529."""
    return STATUS_LINE[status].decode().split(" ", 2)[2].strip()


class Wire:
    """The response side of one request."""

    def __init__(self, protocol: "RelayProtocol", cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._transport = protocol.transport
        self._done: asyncio.Future[None] | None = None
        self.open = True
        """Whether there is still a client to write to, and an answer that is not complete."""
        self.received_at_s = 0.0
        self.received_ns = 0
        """Wall clock at the last byte of the request."""

    @property
    def complete(self) -> bool:
        """Whether the answer was written to the end that was meant for it."""
        return self._cycle.response_complete

    @property
    def takes_body(self) -> bool:
        """An answer to HEAD has none, whatever its length says (RFC 9110, section 9.3.2)."""
        return self._cycle.scope["method"] != "HEAD"

    def head(self, status: int, headers: bytes) -> bytes:
        """The first lines of a response; `headers` are whole lines, each ended by CRLF."""
        self._cycle.response_started = True
        connection = b"" if self._cycle.keep_alive else b"connection: close\r\n"
        return b"".join((STATUS_LINE[status], self._protocol.date_line, headers, connection, b"\r\n"))

    def write(self, data: bytes) -> None:
        """Hand bytes to the kernel now, not when the event loop comes round to it."""
        self._cycle.response_started = True
        transport = self._transport
        if not self.open or transport.is_closing():
            return
        if not transport.get_write_buffer_size():
            try:
                data = data[os.write(self._protocol.fd, data) :]
            except BlockingIOError:
                pass  # the socket is full: the transport waits for room
            except OSError:
                transport.abort()  # the client is gone
                return
        if data:
            transport.write(data)

    def end(self, *, close: bool = False) -> None:
        """The response is complete; with `close` the connection ends too, in order."""
        if not self._cycle.response_complete:
            self._cycle.response_started = self._cycle.response_complete = True
            self._cycle.message_event.set()
            if close or not self._cycle.keep_alive:
                self._transport.close()
            self._cycle.on_response()
        self.release()

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        linger = (socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.get_extra_info("socket").setsockopt(*linger)
        self._cycle.response_started = self._cycle.response_complete = True
        self._transport.abort()
        self.release()

    async def finished(self) -> None:
        """Wait for `end`, `reset`, or for the client to go away."""
        if self.open:
            self._done = self._protocol.loop.create_future()
            await self._done

    def release(self) -> None:
        """Nothing more can be written: let `finished` return."""
        self.open = False
        if self._done is not None and not self._done.done():
            self._done.set_result(None)


class RelayProtocol(HttpToolsProtocol):
    """One connection, with a `Wire` in the scope of each of its requests."""

    fd: int
    _wires: list[Wire]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.fd = transport.get_extra_info("socket").fileno()
        self._wires = []

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        wire = Wire(self, self.cycle)
        # Pipelined requests may be read ahead of the answer; those answered need not hear of a lost connection.
        self._wires = [earlier for earlier in self._wires if earlier.open]
        self._wires.append(wire)
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["extensions"] = {EXTENSION: wire}

    def on_message_complete(self) -> None:
        if self._wires:
            self._wires[-1].received_at_s = clock.now_s()
            self._wires[-1].received_ns = clock.wall_ns()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for wire in self._wires:
            wire.release()

    @property
    def date_line(self) -> bytes:
        """The default headers of uvicorn, which sets the date once a second."""
        return b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
