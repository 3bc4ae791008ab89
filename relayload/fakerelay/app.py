"""The ASGI application: reads a request, asks the behaviour for an answer, and has it sent in time."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from msgspec.json import encode

from relayload import clock
from relayload.fakerelay.asks import Reason, Refusal, chat_ask
from relayload.fakerelay.behavior import Behavior, Reply
from relayload.fakerelay.chat import ChatStream, completion
from relayload.fakerelay.dialects import JSON, error_answer
from relayload.fakerelay.streaming import TokenStream
from relayload.fakerelay.ticker import Ticker
from relayload.fakerelay.wire import CHUNKED, EXTENSION, Wire

MAX_BODY_BYTES = 20 * 1024 * 1024
EVENT_STREAM = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n" + CHUNKED

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent, whole, and the wire to answer on."""

    headers: dict[bytes, bytes]
    body: bytes
    wire: Wire


Endpoint = Callable[["FakeRelayApp", Request], Awaitable[None]]


class FakeRelayApp:
    """One relay. Needs the server of this package, whose connections it borrows."""

    def __init__(self, behavior: Behavior, api_key: str) -> None:
        self._behavior = behavior
        self._credential = f"Bearer {api_key}".encode()
        self._started_s = clock.wall_ns() // 10**9
        self._ticker: Ticker | None = None

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        wire: Wire = scope["extensions"][EXTENSION]
        try:
            endpoint = _endpoint(scope)
            request = Request(dict(scope["headers"]), await _body(receive), wire)
            if endpoint is not FakeRelayApp.health:
                self._check_key(request)
            await endpoint(self, request)
        except Refusal as refusal:
            answer = error_answer(refusal)
            # The rest of a body that is too large is not read, so the connection can't be used again.
            _respond(wire, answer.status, answer.body, answer.headers, close=refusal.reason is Reason.TOO_LARGE)

    async def health(self, request: Request) -> None:
        """GET /health, without a key."""
        _respond(request.wire, 200, encode({"status": "ok", "fake": True}))

    async def models(self, request: Request) -> None:
        """GET /v1/models."""
        about = {"object": "model", "created": self._started_s, "owned_by": "fake-relay"}
        models = [{"id": name, **about} for name in self._behavior.models]
        _respond(request.wire, 200, encode({"object": "list", "data": models}))

    async def chat_completions(self, request: Request) -> None:
        """POST /v1/chat/completions."""
        ask = chat_ask(request.body, request.headers)
        reply = self._behavior.reply(ask)
        created = clock.wall_ns() // 10**9
        if ask.stream:
            self._stream(request.wire, reply, ChatStream(ask, reply, created))
        else:
            self._answer(request.wire, reply, completion(ask, reply, created))
        await request.wire.finished()

    def _stream(self, wire: Wire, reply: Reply, events: ChatStream) -> None:
        head = wire.head(200, EVENT_STREAM + _request_id(reply))
        stream = TokenStream(wire, reply, events, head, wire.received_at_s)
        self._clockwork.at(stream.due_s, stream)

    def _answer(self, wire: Wire, reply: Reply, body: bytes) -> None:
        def send(_now_s: float) -> None:
            if wire.open:
                _respond(wire, 200, body, JSON + _request_id(reply))

        self._clockwork.at(wire.received_at_s + reply.due_s(reply.output_tokens - 1), send)

    @property
    def _clockwork(self) -> Ticker:
        if self._ticker is None:
            self._ticker = Ticker()  # belongs to the event loop, which is not there before the first request
        return self._ticker

    def _check_key(self, request: Request) -> None:
        if not hmac.compare_digest(request.headers.get(b"authorization", b""), self._credential):
            raise Refusal(Reason.WRONG_KEY, "Incorrect API key provided.")


_ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "/health": {"GET": FakeRelayApp.health},
    "/v1/models": {"GET": FakeRelayApp.models},
    "/v1/chat/completions": {"POST": FakeRelayApp.chat_completions},
}


def _endpoint(scope: Scope) -> Endpoint:
    methods = _ENDPOINTS.get(scope["path"])
    if methods is None:
        raise Refusal(Reason.UNKNOWN_PATH, f"Invalid URL ({scope['method']} {scope['path']})")
    endpoint = methods.get(scope["method"])
    if endpoint is None:
        allowed = ", ".join(methods)
        raise Refusal(Reason.WRONG_METHOD, f"Not allowed to {scope['method']} {scope['path']} (only {allowed}).")
    return endpoint


async def _body(receive: Receive) -> bytes:
    """The whole body of a request. Raises Refusal above 20 MB."""
    parts, size = [], 0
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise Refusal(Reason.TOO_LARGE, f"The request is larger than {MAX_BODY_BYTES} bytes.")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _respond(wire: Wire, status: int, body: bytes, headers: bytes = JSON, *, close: bool = False) -> None:
    length = b"content-length: %d\r\n" % len(body)
    wire.write(wire.head(status, headers + length) + body)
    wire.end(close=close)


def _request_id(reply: Reply) -> bytes:
    return b"x-request-id: req_fake%024x\r\n" % reply.number
