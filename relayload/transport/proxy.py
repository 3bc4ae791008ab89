"""Proxies set in the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

import base64
import re
import socket
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import gevent

from relayload.core.errors import AuthorError, Fault
from relayload.transport.failures import Failure, WireError
from relayload.transport.no_proxy import exempt
from relayload.transport.origin import Origin, bracketed, is_loopback, origin_of
from relayload.transport.sockets import receive, send_all

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_HEADER_BYTES = 65536
_TURN_BYTES = 512


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy and its credentials."""

    origin: Origin
    authorization: str | None = None
    """The value of the `proxy-authorization` header."""


def proxy_for(target: Origin) -> Proxy | None:
    """Return the proxy for a target, or None. This machine is never reached through a proxy.

    Raises AuthorError for a proxy that does not speak plain HTTP.
    """
    proxies = urllib.request.getproxies_environment()
    url = proxies.get(target.scheme) or proxies.get("all")
    if not url or is_loopback(target.host) or exempt(target, proxies.get("no", "")):
        return None
    return _proxy_of(url if "://" in url else f"http://{url}", f"{target.scheme}_proxy")


def open_tunnel(sock: socket.socket, proxy: Proxy, target: Origin) -> int:
    """Ask the proxy at the other end of the socket to open a tunnel with CONNECT (RFC 9110, 9.3.6).

    Returns the number of bytes sent. Raises WireError if the proxy refuses, OSError if the connection breaks.
    """
    place = f"{bracketed(target.host)}:{target.port}"
    authorization = f"proxy-authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    sent_bytes = send_all(sock, f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n{authorization}\r\n".encode("latin-1"))
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += receive(sock, 1)  # byte by byte, because what follows belongs to the target
        if len(head) > _HEADER_BYTES:
            raise WireError(Failure.PROXY)
        if len(head) % _TURN_BYTES == 0:
            gevent.sleep(0)  # otherwise a proxy that never stops sending would block the loop
    status = _STATUS_LINE.match(head)
    if status is None or not status[1].startswith(b"2"):
        raise WireError(Failure.PROXY)
    return sent_bytes


def _proxy_of(url: str, variable: str) -> Proxy:
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise AuthorError(
            [Fault(f"expected a proxy such as 'http://proxy:3128', got one of '{parts.scheme}'", variable)]
        )
    credentials = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(origin_of(f"http://{parts.netloc.rpartition('@')[2]}", variable), credentials)
