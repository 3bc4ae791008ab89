"""The origin of a target, parsed from its base URL."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from relayload.core.errors import AuthorError, Fault
from relayload.transport.query import KEY_IN_QUERY, names_a_key

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, with the path before every request's own path and the query after it."""

    scheme: str
    host: str
    port: int
    path: str = ""
    query: str = ""

    @property
    def suffix(self) -> str:
        """The query after the path of every request, such as `?api-version=2024-10-21`, or nothing."""
        return f"?{self.query}" if self.query else ""

    @property
    def authority(self) -> str:
        """`host:port` as in the Host header: IPv6 in brackets, default ports omitted."""
        host = bracketed(self.host)
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str, path: str = "base_url") -> Origin:
    """Parse a URL such as `https://relay.example/v1`; `path` names it in a fault. Raises AuthorError.

    Faults do not repeat the URL, which may contain a key by mistake.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")  # a lookup would encode it, and fail
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
    """Return the host as in a URL: IPv6 in brackets, such as `[::1]`."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine, without a DNS lookup: `localhost`, 127.0.0.0/8 or ::1."""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def is_address(host: str) -> bool:
    """Return whether the host is an IP address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
