"""Questions about the target itself, one at a time and apart from the load: is it there, and which models has it?"""

import json
import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from relayload.transport.drivers import Options
from relayload.transport.origin import Origin, bracketed, origin_of
from relayload.transport.proxy import Proxy, proxy_for
from relayload.transport.resolve import check_local
from relayload.transport.tls import target_context

_TIMEOUT_S = 10.0
_BODY_BYTES = 4_000_000
"""The most that is read of an answer: lists of models are long at relays that have hundreds."""


class TargetUnreachable(Exception):
    """The target can't be load-tested as it stands; the message says what to change. Exit code 6."""


class Asker:
    """Asks over HTTP, each question on a connection of its own.

    It goes the way of the load: with its TLS settings, its headers and its proxy.
    """

    def __init__(self, api_key: str, options: Options | None = None) -> None:
        self._options = options or {}
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Accept": "application/json",
            **(self._options.get("headers") or {}),
        }

    def ask(self, base_url: str, method: str, path: str) -> tuple[int, bytes]:
        """Status and body. Raises TargetUnreachable."""
        origin = origin_of(base_url)
        proxy = proxy_for(origin)
        place = f"the proxy {proxy.origin.authority}" if proxy else f"{bracketed(origin.host)}:{origin.port}"
        connection, base, headers = self._way(origin, proxy)
        body, typed = (b"{}", {"Content-Type": "application/json"}) if method == "POST" else (None, {})
        try:
            check_local(origin.host, origin.port)
            connection.request(method, base + origin.path + path, body=body, headers=headers | typed)
            response = connection.getresponse()
            return response.status, response.read(_BODY_BYTES)
        except (OSError, HTTPException) as error:
            raise TargetUnreachable(f"target {base_url}: {_cause(error, place)}") from None
        finally:
            connection.close()

    def _way(self, origin: Origin, proxy: Proxy | None) -> tuple[HTTPConnection, str, dict[str, str]]:
        """A connection, what stands before the path of a request on it, and the headers."""
        host, port = (proxy.origin.host, proxy.origin.port) if proxy else (origin.host, origin.port)
        shown = {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else {}
        if origin.scheme == "https":
            secure = HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=self._context(origin))
            if proxy:
                secure.set_tunnel(origin.host, origin.port, shown)
            return secure, "", self._headers
        base = f"http://{origin.authority}" if proxy else ""
        return HTTPConnection(host, port, timeout=_TIMEOUT_S), base, self._headers | shown

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        return target_context(
            origin,
            verify=self._options.get("verify", True),
            ca_file=self._options.get("ca_file"),
            client_cert=self._options.get("client_cert"),
        )


def models(base_url: str, api_key: str, options: Options | None = None) -> tuple[str, ...]:
    """The names of the models that the target lists at `GET /models`, in its order. Raises TargetUnreachable."""
    status, body = Asker(api_key, options).ask(base_url, "GET", "/models")
    if status != 200:
        raise TargetUnreachable(f"target {base_url} answers {status} to GET /models{said(body)}")
    try:
        return tuple(_name(each) for each in json.loads(body)["data"])
    except (ValueError, KeyError, TypeError):
        raise TargetUnreachable(f"target {base_url} answers GET /models with no list of models") from None


def _name(model: Any) -> str:
    name = model["id"]
    if not isinstance(name, str):
        raise TypeError
    return name


def said(body: bytes) -> str:
    """The relay's own words in an answer that is an error, in brackets; nothing where there are none."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({str(message)[:200]})"


def _cause(error: Exception, place: str) -> str:
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
            return f"no answer from {place} within {_TIMEOUT_S:.0f}s"
        case HTTPException():
            return f"{place} does not speak HTTP. Should target.base_url begin with https://?"
    return f"{place}: {error}"
