"""Is the target there, is it what the profile says it is, and does it take the key? Asked once, before the load.

`GET /models` costs nothing anywhere. Relays without it are asked for an answer without a body, which every
OpenAI-compatible endpoint refuses and nobody bills.
"""

from urllib.parse import urlsplit

from relayload.clock import now_s
from relayload.core.wire.request import Endpoint
from relayload.transport.asking import API_KEY, Asker, TargetUnreachable, is_json
from relayload.transport.drivers import Options
from relayload.transport.query import before_query

_KEY_REJECTED = (401, 403)
_NOT_HERE = (404, 405)
_PATIENCE_S = 10.0
"""For all the questions together."""


def preflight(base_url: str, api_key: str, options: Options | None = None, *, path: str = "target") -> None:
    """Raise TargetUnreachable unless an OpenAI-compatible API answers there and takes the key.

    `path` is where the target stands in the profile.
    """
    asker = Asker(api_key, options, _PATIENCE_S, until_s=now_s() + _PATIENCE_S)
    status, body = asker.ask(base_url, "GET", "/models")
    if status in _KEY_REJECTED:
        raise TargetUnreachable(_key_rejected(base_url, status, asker.said(body), path), API_KEY)
    if status in _NOT_HERE:
        _look_for_endpoints(base_url, asker, path)
    elif status == 200 and not is_json(body):
        raise TargetUnreachable(_no_api(base_url, "answers GET /models with something that is not JSON", path))


def _look_for_endpoints(base_url: str, asker: Asker, path: str) -> None:
    for endpoint in Endpoint:
        status, body = asker.ask(base_url, "POST", endpoint.path)
        if status in _KEY_REJECTED:
            raise TargetUnreachable(_key_rejected(base_url, status, asker.said(body), path), API_KEY)
        if status not in _NOT_HERE:
            return
    if not urlsplit(base_url).path.rstrip("/").endswith("/v1"):
        versioned = before_query(base_url, "/v1")
        if asker.ask(versioned, "GET", "/models")[0] not in _NOT_HERE:
            raise TargetUnreachable(f"{base_url} lacks its '/v1': write {path}.base_url: {versioned}")
    reason = f"answers {status} to GET /models and to POST {', '.join(endpoint.path for endpoint in Endpoint)}"
    raise TargetUnreachable(_no_api(base_url, reason, path))


def _key_rejected(base_url: str, status: int, said: str, path: str) -> str:
    return (
        f"target {base_url} rejected the key with {status}{said}. Check {path}.api_key, and that the key "
        "belongs to this base URL: a right key at the wrong relay is refused just so"
    )


def _no_api(base_url: str, reason: str, path: str) -> str:
    return f"target {base_url} {reason}: this is not the base URL of an OpenAI-compatible API. Check {path}.base_url"
