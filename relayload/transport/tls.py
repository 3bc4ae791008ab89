"""TLS on memory buffers, so that the bytes still come from the socket with the kernel's stamps."""

import socket
import ssl
from pathlib import Path

from relayload.transport.connection import READ_BYTES, Connection
from relayload.transport.stamps import ArrivalClock


def client_context(
    *, verify: bool = True, ca_file: str | Path | None = None, client_cert: str | Path | None = None
) -> ssl.SSLContext:
    """Settings for all connections to a target. Reads the files; raises OSError, of which ssl.SSLError is one."""
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert is not None:
        context.load_cert_chain(client_cert)
    context.set_alpn_protocols(["http/1.1"])
    return context


class TlsSession:
    """The TLS end of one connection: plaintext on one side, records on the other."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)


class TlsConnection(Connection):
    """A connection whose handshake is done."""

    def __init__(self, sock: socket.socket, arrivals: ArrivalClock, session: TlsSession) -> None:
        self._incoming, self._outgoing = session.incoming, session.outgoing
        self._tls = session.tls
        super().__init__(sock, arrivals)

    def _wrapped(self, piece: memoryview) -> memoryview:
        if piece:
            self._tls.write(piece)
        return memoryview(self._outgoing.read())

    def _take(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            self._deliver_records()
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        except ssl.SSLError as error:
            self._lose(error)
            return
        if self._outgoing.pending:
            self._send_more()  # an answer of the protocol's own, such as a new key

    def _deliver_records(self) -> None:
        while self.open:
            data = self._tls.read(READ_BYTES)
            if not data:
                self._lose(None)  # close_notify
                return
            self._deliver(data)
            if not self._incoming.pending and not self._tls.pending():
                return
