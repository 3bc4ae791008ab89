"""A TLS end in front of a plain server, byte for byte: the fake relay itself speaks plain HTTP only.

    python benchmarks/tls_front.py CERTIFICATE HOST PORT

Prints the port it listens on. CERTIFICATE is a PEM file with its key.
"""

import asyncio
import ssl
import sys
from typing import Any

import uvloop


class Pipe(asyncio.Protocol):
    """One direction: what arrives here goes out there."""

    def __init__(self) -> None:
        self.transport: Any = None  # uvloop's over TLS is of no common type
        self.other: Pipe | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        else:
            self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def join(self, other: "Pipe") -> None:
        self.other, other.other = other, self
        for data in self._early:
            self.data_received(data)


class Front(Pipe):
    """The client's end: it opens the server's."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._place = host, port
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        _, back = await asyncio.get_running_loop().create_connection(Pipe, *self._place)
        self.join(back)


async def main(certificate: str, host: str, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(
        lambda: Front(host, port), "127.0.0.1", 0, ssl=context, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
