"""The address on which the relay listens."""

import contextlib
import socket
from dataclasses import dataclass

from relayload.core.errors import AuthorError, Fault


@dataclass(frozen=True, slots=True)
class Address:
    """A listening address. If `shared`, several processes listen there and the kernel distributes connections."""

    family: int
    host: str
    port: int
    shared: bool

    @classmethod
    def of(cls, host: str, port: int, *, shared: bool) -> "Address":
        """Resolve the address, with a free port for port 0. Raises AuthorError if it is not available."""
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            # Bind without sharing first: a port used by another process is a fault, even if that would share it.
            with contextlib.closing(_bound(family, str(address[0]), int(address[1]), shared=False)) as probe:
                numeric_host, free_port = probe.getsockname()[:2]
        except OSError as error:
            raise AuthorError([Fault(f"cannot listen on {host}:{port}: {error.strerror}")]) from error
        return cls(family, numeric_host, free_port, shared)

    def listener(self) -> socket.socket:
        return _bound(self.family, self.host, self.port, shared=self.shared)

    @property
    def base_url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/v1"


def _bound(family: int, host: str, port: int, *, shared: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
