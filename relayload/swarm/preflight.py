"""Is the target there, is it what the profile says it is, and does it take the key? Asked once, before the load.

`GET /models` costs nothing anywhere. Relays without it are asked for a chat completion without a body, which every
OpenAI-compatible endpoint refuses and nobody bills.
"""

import json
import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from relayload.transport.drivers import Options
from relayload.transport.origin import Origin, bracketed, origin_of
from relayload.transport.proxy import Proxy, proxy_for
from relayload.transport.tls import target_context

_TIMEOUT_S = 10.0
_KEY_REJECTED = (401, 403)
_NOT_HERE = (404, 405)


class TargetUnreachable(Exception):
    """The target can't be load-tested as it stands; the message says what to change. Exit code 6."""


def preflight(base_url: str, api_key: str, options: Options | None = None) -> None:
    """Raise TargetUnreachable unless an OpenAI-compatible API answers there and takes the key.

    Goes the way of the load: with its TLS settings, its headers and its proxy.
    """
    door = _Door(api_key, options or {})
    status, body = door.ask(base_url, "GET", "/models")
    if status in _KEY_REJECTED:
        raise TargetUnreachable(_key_rejected(base_url, status, body))
    if status in _NOT_HERE:
        _look_for_chat(base_url, door)
    elif status == 200 and not _is_json(body):
        raise TargetUnreachable(_no_api(base_url, "answers GET /models with something that is not JSON"))


def _look_for_chat(base_url: str, door: "_Door") -> None:
    status, body = door.ask(base_url, "POST", "/chat/completions")
    if status in _KEY_REJECTED:
        raise TargetUnreachable(_key_rejected(base_url, status, body))
    if status not in _NOT_HERE:
        return
    if not urlsplit(base_url).path.rstrip("/").endswith("/v1"):
        versioned = base_url.rstrip("/") + "/v1"
        if door.ask(versioned, "GET", "/models")[0] not in _NOT_HERE:
            raise TargetUnreachable(f"{base_url} lacks its '/v1': write target.base_url: {versioned}")
    reason = f"answers {status} to GET /models and to POST /chat/completions"
    raise TargetUnreachable(_no_api(base_url, reason))


class _Door:
    """Asks one question at a time, each on a connection of its own."""

    def __init__(self, api_key: str, options: Options) -> None:
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Accept": "application/json",
            **(options.get("headers") or {}),
        }
        self._options = options

    def ask(self, base_url: str, method: str, path: str) -> tuple[int, bytes]:
        """Status and body. Raises TargetUnreachable."""
        origin = origin_of(base_url)
        proxy = proxy_for(origin)
        place = f"the proxy {proxy.origin.authority}" if proxy else f"{bracketed(origin.host)}:{origin.port}"
        connection, base, headers = self._way(origin, proxy)
        body, typed = (b"{}", {"Content-Type": "application/json"}) if method == "POST" else (None, {})
        try:
            connection.request(method, base + origin.path + path, body=body, headers=headers | typed)
            response = connection.getresponse()
            return response.status, response.read(65536)
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


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        # A list of models longer than what was read is cut, but begins like JSON.
        return body.lstrip()[:1] in (b"{", b"[")
    return True


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


def _key_rejected(base_url: str, status: int, body: bytes) -> str:
    return (
        f"target {base_url} rejected the key with {status}{_said(body)}. Check target.api_key, and that the key "
        "belongs to this base URL: a right key at the wrong relay is refused just so"
    )


def _no_api(base_url: str, reason: str) -> str:
    return f"target {base_url} {reason}: this is not the base URL of an OpenAI-compatible API. Check target.base_url"


def _said(body: bytes) -> str:
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({str(message)[:200]})"
