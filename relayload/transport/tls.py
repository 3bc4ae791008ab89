"""TLS on memory buffers, so that bytes still come from the socket with the kernel's stamps."""

import logging
import socket
import ssl
from pathlib import Path

from relayload import files
from relayload.core.errors import AuthorError, Fault
from relayload.transport.connection import READ_BYTES, Connection
from relayload.transport.origin import Origin
from relayload.transport.stamps import ArrivalClock

_LOG = logging.getLogger("relayload")
_MOST_BYTES = 16 << 20
"""The largest certificate file that is read; all public authorities together take less than 1 MB."""


def target_context(
    origin: Origin, *, verify: bool = True, ca_file: str | Path | None = None, client_cert: str | Path | None = None
) -> ssl.SSLContext | None:
    """Return the TLS context for all connections to a target, or None for a target without TLS.

    `ca_file` replaces the system's certificates; `client_cert` is a PEM file with a certificate and its key. Raises
    AuthorError for unusable files.
    """
    if origin.scheme != "https":
        return None
    context = _trusting(ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        _LOG.warning("TLS certificates of %s are NOT verified: anyone may be answering", origin.authority)
    if client_cert is not None:
        _show(context, client_cert)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting(ca_file: str | Path | None) -> ssl.SSLContext:
    try:
        if ca_file is not None:
            files.check(ca_file, _MOST_BYTES)
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise AuthorError([Fault(f"cannot be used: {error}", "ca_file", str(ca_file))]) from None


def _show(context: ssl.SSLContext, client_cert: str | Path) -> None:
    try:
        files.check(client_cert, _MOST_BYTES)
        context.load_cert_chain(client_cert, password=_no_password)
    except OSError as error:
        raise AuthorError([Fault(f"cannot be used: {error}", "client_cert", str(client_cert))]) from None


def _no_password() -> str:
    """Replace the password prompt on the terminal, which would hang a run."""
    return ""


class TlsSession:
    """The TLS end of one connection: plaintext on one side, records on the other."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)


class TlsConnection(Connection):
    """A connection whose handshake is done."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(self, sock: socket.socket, arrivals: ArrivalClock, session: TlsSession) -> None:
        self._incoming, self._outgoing = session.incoming, session.outgoing
        self._tls = session.tls
        super().__init__(sock, arrivals)

    @property
    def drained(self) -> bool:
        return super().drained and not self._incoming.pending

    def _wrapped(self, piece: memoryview) -> memoryview:
        if piece:
            self._tls.write(piece)
        return memoryview(self._outgoing.read())

    def _take(self, data: bytes, at_s: float) -> None:
        self._incoming.write(data)
        try:
            self._take_records(at_s)
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        except ssl.SSLError as error:
            self._lose(error)
            return
        if self._outgoing.pending:
            self._send_more()  # a reply at the TLS level, such as a key update

    def _take_records(self, at_s: float) -> None:
        while self.open:
            data = self._tls.read(READ_BYTES)
            if not data:
                self._lose(None)  # close_notify
                return
            super()._take(data, at_s)
            if not self._incoming.pending and not self._tls.pending():
                return
