"""Questions about the target itself, one at a time and apart from the load: is it there, and which models has it?"""

import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from relayload.clock import now_s, wall_ns
from relayload.transport.concealing import Secrets
from relayload.transport.credentials import key_header
from relayload.transport.drivers import Options
from relayload.transport.origin import Origin, bracketed, origin_of
from relayload.transport.proxy import Proxy, proxy_for
from relayload.transport.resolve import check_local
from relayload.transport.tls import target_context

_TIMEOUT_S = 10.0
_PIECE_BYTES = 65_536
_BODY_BYTES = 4_000_000
"""The most that is read of an answer: lists of models are long at relays that have hundreds."""


BASE_URL, API_KEY, TLS = "base_url", "api_key", "tls"
"""What of a target in a profile may be wrong where it can't be reached."""


class TargetUnreachable(Exception):
    """The target can't be load-tested as it stands; the message says what to change. Exit code 6."""

    def __init__(self, message: str, key: str = BASE_URL) -> None:
        super().__init__(message)
        self.key = key
        """What of the target may be wrong."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the instant at which each piece of its body was read."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    pieces: tuple[tuple[bytes, float], ...]
    cut: bool
    """The connection ended before the body did."""
    began_at_s: float
    """When the question was sent."""
    ended_at_s: float
    wall_ns: int
    """The wall clock as the headers came."""

    @property
    def body(self) -> bytes:
        return b"".join(piece for piece, _ in self.pieces)

    @property
    def took_s(self) -> float:
        return self.ended_at_s - self.began_at_s

    def header(self, name: str) -> str:
        """A header, empty where there is none."""
        return self.headers.get(name, "")


class Asker:
    """Asks over HTTP, each question on a connection of its own.

    It goes the way of the load: with its TLS settings, its headers and its proxy.
    """

    def __init__(self, api_key: str, options: Options | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._options = options or {}
        own = {name.lower(): value for name, value in (self._options.get("headers") or {}).items()}
        key = key_header(api_key, self._options.get("api_key_header"))
        self._headers = {**key, "accept": "application/json", **own}
        self.secrets = Secrets(api_key, (self._options.get("headers") or {}).values())
        """What a relay may repeat, and nobody is to read."""

    def ask(self, base_url: str, method: str, path: str) -> tuple[int, bytes]:
        """Status and body. Raises TargetUnreachable."""
        reply = self.exchange(base_url, method, path, b"{}" if method == "POST" else None)
        if reply.cut:
            raise TargetUnreachable(f"target {base_url} breaks off its answer to {method} {path}")
        return reply.status, reply.body

    def said(self, body: bytes) -> str:
        """The relay's own words in an answer that is an error, in brackets; nothing where there are none."""
        try:
            message = json.loads(body)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            return ""
        return f" ({self.secrets.told(str(message))[:200]})"

    def exchange(self, base_url: str, method: str, path: str, body: bytes | None = None) -> Reply:
        """The whole answer, its headers and when it came. Raises TargetUnreachable."""
        origin = origin_of(base_url)
        proxy = proxy_for(origin)
        place = f"the proxy {proxy.origin.authority}" if proxy else f"{bracketed(origin.host)}:{origin.port}"
        connection, base, headers = self._way(origin, proxy)
        typed = {"Content-Type": "application/json"} if body is not None else {}
        began_at_s = now_s()
        try:
            check_local(origin.host, origin.port)
            connection.request(method, base + origin.path + path + origin.suffix, body=body, headers=headers | typed)
            response = connection.getresponse()
            headers, wall = {name.lower(): value for name, value in response.getheaders()}, wall_ns()
            pieces, cut = _read(response)
            return Reply(response.status, headers, pieces, cut, began_at_s, now_s(), wall)
        except (OSError, HTTPException) as error:
            key = TLS if isinstance(error, ssl.SSLCertVerificationError) else BASE_URL
            raise TargetUnreachable(f"target {base_url}: {_cause(error, place, self._timeout_s)}", key) from None
        finally:
            connection.close()

    def _way(self, origin: Origin, proxy: Proxy | None) -> tuple[HTTPConnection, str, dict[str, str]]:
        """A connection, what stands before the path of a request on it, and the headers."""
        host, port = (proxy.origin.host, proxy.origin.port) if proxy else (origin.host, origin.port)
        shown = {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else {}
        if origin.scheme == "https":
            secure = HTTPSConnection(host, port, timeout=self._timeout_s, context=self._context(origin))
            if proxy:
                secure.set_tunnel(origin.host, origin.port, shown)
            return secure, "", self._headers
        base = f"http://{origin.authority}" if proxy else ""
        return HTTPConnection(host, port, timeout=self._timeout_s), base, self._headers | shown

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        return target_context(
            origin,
            verify=self._options.get("verify", True),
            ca_file=self._options.get("ca_file"),
            client_cert=self._options.get("client_cert"),
        )


def _read(response: HTTPResponse) -> tuple[tuple[tuple[bytes, float], ...], bool]:
    """The pieces of the body as they come, and whether it was cut."""
    pieces: list[tuple[bytes, float]] = []
    size = 0
    try:
        while size < _BODY_BYTES and (piece := response.read1(_PIECE_BYTES)):
            pieces.append((piece, now_s()))
            size += len(piece)
    except (OSError, HTTPException):
        return tuple(pieces), True
    return tuple(pieces), bool(response.length) and size < _BODY_BYTES


def models(base_url: str, api_key: str, options: Options | None = None) -> tuple[str, ...]:
    """The names of the models that the target lists at `GET /models`, in its order. Raises TargetUnreachable."""
    asker = Asker(api_key, options)
    status, body = asker.ask(base_url, "GET", "/models")
    if status != 200:
        raise TargetUnreachable(f"target {base_url} answers {status} to GET /models{asker.said(body)}")
    try:
        return tuple(_name(each) for each in json.loads(body)["data"])
    except (ValueError, KeyError, TypeError):
        raise TargetUnreachable(f"target {base_url} answers GET /models with no list of models") from None


def _name(model: Any) -> str:
    name = model["id"]
    if not isinstance(name, str):
        raise TypeError
    return name


def _cause(error: Exception, place: str, timeout_s: float) -> str:
    match error:
        case ConnectionRefusedError():
            return f"nothing listens on {place}. Is the relay running? Is the port in target.base_url right?"
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {place} can't be verified: {error.verify_message}. Name its authority in "
                "target.tls.ca_file, or accept any certificate with target.tls.verify: false"
            )
        case ssl.SSLError():
            return f"{place} does not speak TLS. Should target.base_url begin with http://?"
        case socket.gaierror():
            return f"the name {place.rsplit(':', 1)[0]} does not resolve. Is target.base_url spelt right?"
        case TimeoutError():
            return f"no answer from {place} within {timeout_s:.0f}s"
        case HTTPException():
            return f"{place} does not speak HTTP. Should target.base_url begin with https://?"
    return f"{place}: {error}"
