"""The ASGI application: finds the endpoint, reads the request, checks the key."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from msgspec.json import encode

from relayload import clock
from relayload.fakerelay.dialects import ANTHROPIC
from relayload.fakerelay.formats import CHAT, COMPLETIONS, EMBEDDINGS, MESSAGES, RESPONSES
from relayload.fakerelay.limits import Admission
from relayload.fakerelay.listener_faults import ListenerFaults
from relayload.fakerelay.preset import Preset
from relayload.fakerelay.recorder import Recorder
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.request_handler import Request, RequestHandler
from relayload.fakerelay.run import Run, respond
from relayload.fakerelay.ticker import Ticker
from relayload.fakerelay.wire import EXTENSION, Wire

MAX_BODY_BYTES = 20 * 1024 * 1024
MAX_DISCARDED_BYTES = 200 * 1024 * 1024
"""How much of a too large body is read and discarded, so that the client can read the error."""
LAST_REQUESTS = 100
"""How many requests `/__relay/requests` returns by default."""

_MESSAGES_PATH = "/v1/messages"
_FORMATS = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/completions": COMPLETIONS,
    "/v1/embeddings": EMBEDDINGS,
    _MESSAGES_PATH: MESSAGES,
}
_OTHERS = {
    "/health": "GET",
    "/v1/models": "GET",
    "/__relay/stats": "GET",
    "/__relay/requests": "GET",
    "/__relay/reset": "POST",
}
_MODEL = "/v1/models/"
_RESPONSE = "/v1/responses/"
_NAMED = {_MODEL: ("GET",), _RESPONSE: ("GET", "DELETE")}
"""Paths that are followed by a name."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The connection ended in the middle of a request."""


class FakeRelayApp:
    """The application. It needs the server of this package, whose connections it uses directly."""

    def __init__(
        self, preset: Preset, api_keys: Sequence[str], *, worker: int, started_at_s: float, recorder: Recorder | None
    ) -> None:
        self._preset = preset
        self._keys = [(f"Bearer {key}".encode(), key.encode(), key) for key in api_keys]
        """The keys that it accepts, each after the two ways in which it is sent."""
        self._worker = worker
        self._started_at_s = started_at_s
        self._created_s = clock.wall_ns() // 10**9
        self._recorder = recorder
        self._ticker: Ticker
        self._listener_faults: ListenerFaults
        self._run: Run
        self._message_run: Run
        """The same run for requests to the Messages API."""

    def open(self, ticker: Ticker, listener_faults: ListenerFaults) -> None:
        """Start, in the event loop that will serve."""
        self._ticker, self._listener_faults = ticker, listener_faults
        self._begin(self._started_at_s)

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        wire: Wire = scope["extensions"][EXTENSION]
        path = scope["path"]
        run = self._message_run if path == _MESSAGES_PATH else self._run
        try:
            _check_route(scope["method"], path)
            body = await _body(receive)
            request = Request(path, dict(scope["headers"]), body, wire)
            format_ = _FORMATS.get(path)
            if format_ is not None:
                await RequestHandler(run, request, format_).serve(self._key(request))
            elif path.startswith(_RESPONSE):
                respond(wire, 200, encode(self._response(scope["method"], request, scope["query_string"])))
            else:
                respond(wire, 200, encode(self._about(request, parse_qs(scope["query_string"].decode("latin-1")))))
        except Refusal as refusal:
            run.refuse(wire, refusal, Admission())
        except ClientGone:
            return  # the request was incomplete and is not counted

    def _begin(self, started_at_s: float) -> None:
        self._run = Run.of(self._preset, self._ticker, self._recorder, started_at_s)
        self._message_run = self._run.speaking(ANTHROPIC, self._preset)
        self._listener_faults.schedule(self._preset.faults, started_at_s)

    def _key(self, request: Request) -> str | None:
        """Return the client's key if it is correct, else None."""
        sent, bare = request.headers.get(b"authorization", b""), request.headers.get(b"x-api-key", b"")
        return next((key for one, other, key in self._keys if _same(sent, one) or _same(bare, other)), None)

    def _about(self, request: Request, query: dict[str, list[str]]) -> object:
        """Return information about the relay itself."""
        match request.path:
            case "/health":
                return {"status": "ok", "fake": True}
            case "/v1/models":
                return self._models(request)
            case path if path.startswith(_MODEL):
                return self._one_model(request)
            case "/__relay/stats":
                return {"preset": self._preset.name, "worker": self._worker, **self._run.log.stats()}
            case "/__relay/requests":
                return self._run.log.last(_count(query))
            case _:
                self._begin(clock.now_s())
                return {"reset": True}

    def _models(self, request: Request) -> object:
        self._check_key(request)
        return {"object": "list", "data": [self._model(name) for name in self._model_names()]}

    def _one_model(self, request: Request) -> object:
        self._check_key(request)
        name = request.path.removeprefix(_MODEL)
        if name not in self._model_names():
            message = f"The model '{name}' does not exist or you do not have access to it."
            raise Refusal(Reason.UNKNOWN_MODEL, message, param="model", model=name)
        return self._model(name)

    def _model_names(self) -> list[str]:
        return [*self._preset.models, *self._preset.embedding_models]

    def _model(self, name: str) -> object:
        return {"id": name, "object": "model", "created": self._created_s, "owned_by": "fake-relay"}

    def _response(self, method: str, request: Request, query: bytes) -> object:
        """Return a stored response, or the result of deleting it."""
        self._check_key(request)
        name = request.path.removeprefix(_RESPONSE)
        for parameter in parse_qs(query.decode("latin-1"), keep_blank_values=True):
            message = f"Unsupported parameter: '{parameter}' is not supported by the fake relay."
            raise Refusal(Reason.BAD_VALUE, message, param=parameter, code="unsupported_parameter")
        found = self._run.kept.take(name) if method == "DELETE" else self._run.kept.find(name)
        if found is None:
            raise Refusal(Reason.NOT_FOUND, f"Response with id '{name}' not found.")
        return {"id": name, "object": "response", "deleted": True} if method == "DELETE" else found

    def _check_key(self, request: Request) -> None:
        if self._key(request) is None:
            raise Refusal(Reason.WRONG_KEY, "Incorrect API key provided.")


def _same(sent: bytes, key: bytes) -> bool:
    return hmac.compare_digest(sent, key)


def _check_route(method: str, path: str) -> None:
    if method not in (expected := _methods(path)):
        if not expected:
            raise Refusal(Reason.UNKNOWN_PATH, f"Invalid URL ({method} {path})")
        raise Refusal(Reason.WRONG_METHOD, f"Not allowed to {method} {path} (only {' and '.join(expected)}).")


def _methods(path: str) -> tuple[str, ...]:
    if path in _FORMATS:
        return ("POST",)
    if path in _OTHERS:
        return (_OTHERS[path],)
    for beginning, methods in _NAMED.items():
        if path.startswith(beginning) and (beginning == _MODEL or "/" not in path[len(beginning) :]):
            return methods
    return ()


async def _body(receive: Receive) -> bytes:
    """Read the whole body of a request. Raises Refusal above 20 MB, and ClientGone."""
    parts: list[bytes] = []
    size, more = 0, True
    while more and size < MAX_DISCARDED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY_BYTES:
            parts.append(part)
        more = message.get("more_body", False)
    if size > MAX_BODY_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"The request is larger than {MAX_BODY_BYTES} bytes.")
    return b"".join(parts)


def _count(query: dict[str, list[str]]) -> int:
    text = query.get("last", [str(LAST_REQUESTS)])[0]
    if not text.isdecimal():
        raise Refusal(Reason.BAD_VALUE, f"'last' must be a number, got '{text}'.", param="last")
    return int(text)
