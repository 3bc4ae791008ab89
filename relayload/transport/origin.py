"""Where requests go, read from a base URL."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from relayload.core.errors import AuthorError, Fault
from relayload.transport.query import KEY_IN_QUERY, names_a_key

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, the path that comes before every request's own, and the query that comes after it."""

    scheme: str
    host: str
    port: int
    path: str = ""
    query: str = ""

    @property
    def suffix(self) -> str:
        """What comes after the path of every request: `?api-version=2024-10-21`, or nothing."""
        return f"?{self.query}" if self.query else ""

    @property
    def authority(self) -> str:
        """`host:port` as the Host header has it: IPv6 in brackets, without a default port."""
        host = bracketed(self.host)
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str, path: str = "base_url") -> Origin:
    """Read a URL such as `https://relay.example/v1`; `path` names it in a fault. Raises AuthorError.

    A fault does not repeat the URL: a key may stand there by mistake.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")  # as who looks it up would, and fail
    except ValueError:
        raise AuthorError([Fault("not a URL: is its host right, and its port a number up to 65535?", path)]) from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise AuthorError([Fault("expected a URL without blanks and letters beyond ASCII", path)])
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise AuthorError([Fault("expected a URL such as 'https://relay.example/v1'", path)])
    if parts.username is not None or parts.fragment:
        raise AuthorError([Fault("expected a URL without credentials and fragment", path)])
    if names_a_key(parts.query):
        raise AuthorError([Fault(KEY_IN_QUERY, path)])
    port = port or _DEFAULT_PORTS[parts.scheme]
    return Origin(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), parts.query)


def bracketed(host: str) -> str:
    """A host as it stands in a URL: `[::1]`."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """This machine, without asking a name server: `localhost`, 127.0.0.0/8 or ::1."""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def is_address(host: str) -> bool:
    """An IP address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
