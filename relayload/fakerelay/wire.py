"""uvicorn's HTTP/1.1 protocol, extended to give the application direct access to the connection.

ASGI can't express what a fake relay must do: write at an exact instant, cut a response, reset a connection, or send a
wrong length. The extension `relayload.wire` in each request's scope is a `Wire`, which can.
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
    """Return one chunk of a chunked body (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def phrase_of(status: int) -> str:
    """Return the reason phrase, such as `Bad Gateway` for 502; empty if the registry has none, as for 529."""
    return STATUS_LINE[status].decode().split(" ", 2)[2].strip()


class Wire:
    """The response side of one request."""

    def __init__(self, protocol: "RelayProtocol", cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._transport = protocol.transport
        self._done: asyncio.Future[None] | None = None
        self.open = True
        """Whether the client is still there and the answer is not complete."""
        self.received_at_s = 0.0
        self.received_ns = 0
        """Wall-clock time at the last byte of the request."""

    @property
    def complete(self) -> bool:
        """Whether the answer was written to its intended end."""
        return self._cycle.response_complete

    @property
    def takes_body(self) -> bool:
        """Whether the answer has a body: one to HEAD has none, whatever its length header (RFC 9110, 9.3.2)."""
        return self._cycle.scope["method"] != "HEAD"

    def head(self, status: int, headers: bytes) -> bytes:
        """Return the head of a response; `headers` are whole lines, each ending with CRLF."""
        self._cycle.response_started = True
        connection = b"" if self._cycle.keep_alive else b"connection: close\r\n"
        return b"".join((STATUS_LINE[status], self._protocol.date_line, headers, connection, b"\r\n"))

    def write(self, data: bytes) -> None:
        """Hand bytes to the kernel now, without waiting for the event loop."""
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
        """Complete the response; with `close`, also close the connection cleanly."""
        if not self._cycle.response_complete:
            self._cycle.response_started = self._cycle.response_complete = True
            self._cycle.message_event.set()
            if close or not self._cycle.keep_alive:
                self._transport.close()
            self._cycle.on_response()
        self.release()

    def reset(self) -> None:
        """Abort the connection with a TCP reset."""
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
        """Let `finished` return, because nothing more can be written."""
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
        # Pipelined requests may be read before the answer; answered ones need not be notified of a lost connection.
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
        """The default headers of uvicorn, which updates the date once a second."""
        return b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
