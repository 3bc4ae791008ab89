"""A server that sends exactly the bytes a test wants, and knows exactly what it received."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import PATIENCE_S

from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import WireRequest
from relayload.transport.native import NativeTransport

JSON_ANSWER = (
    b'{"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,'
    b'"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":1}}}'
)


@dataclass
class Request:
    """What the server read."""

    head: str
    body: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case."""
        pairs = (line.split(": ", 1) for line in self.head.split("\r\n")[1:] if line)
        return {name.lower(): value for name, value in pairs}


@dataclass
class Peer:
    """The server's end of one connection. Its script ends when the client goes away."""

    sock: socket.socket
    number: int
    """Of the connection, counting from 0."""
    server: "RawServer"
    _rest: bytes = b""

    def read_request(self) -> Request:
        """The next request, whole. Raises ConnectionError when there is none any more."""
        request = Request(self._read_until(b"\r\n\r\n").decode("latin-1"))
        length = int(request.headers.get("content-length", 0))
        while len(self._rest) < length:
            self._read_more()
        request.body, self._rest = self._rest[:length], self._rest[length:]
        self.server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, body: bytes = JSON_ANSWER, status: str = "200 OK", headers: str = "") -> None:
        """A plain response of known length."""
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        self.send(head.encode() + body)

    def begin_stream(self, headers: str = "") -> None:
        """The header of a chunked stream of events."""
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n{headers}\r\n"
        self.send(head.encode())

    def send_chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; the empty one is the last."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def send_event(self, content: str) -> None:
        """A chunk with an event that holds a token."""
        self.send_chunk(b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % content.encode())

    def end_stream(self) -> None:
        """Say that the answer is whole, and end the body."""
        self.send_chunk(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
        self.send_chunk(b"data: [DONE]\n\n")
        self.send_chunk(b"")

    def answer_with_streams(self, tokens: int = 5, pause_s: float = 0.0) -> None:
        """Answer every request with a stream of so many tokens, and a pause after each."""
        while True:
            self.read_request()
            self.begin_stream()
            for _ in range(tokens):
                self.send_event("a")
                time.sleep(pause_s)
            self.end_stream()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on with TLS on the same connection."""
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_until_heard(self, tokens: int = 1) -> None:
        """Until the client has read so many more visible tokens, where `server.heard` is its `on_text`."""
        for _ in range(tokens):
            assert self.server.tokens_heard.acquire(timeout=PATIENCE_S)

    def wait_for_close(self) -> None:
        """Until the client has closed the connection."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._read_more()
        before, _, self._rest = self._rest.partition(mark)
        return before

    def _read_more(self) -> None:
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError("the client is gone")
        self._rest += piece


Script = Callable[[Peer], None]


@dataclass(eq=False)
class RawServer:
    """Runs `script` for every connection, in a thread each."""

    script: Script
    listener: socket.socket
    context: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once for every connection whose script has ended."""
    tokens_heard: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def base_url(self) -> str:
        host = "[::1]" if self.listener.family == socket.AF_INET6 else "127.0.0.1"
        return f"{'https' if self.context else 'http'}://{host}:{self.port}/v1"

    def heard(self, _text: str) -> None:
        """An `on_text` that lets a script know what was read: what it sends then is read apart from that."""
        self.tokens_heard.release()

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._run, args=(sock, number), daemon=True).start()

    def _run(self, sock: socket.socket, number: int) -> None:
        peer = Peer(sock, number, self)
        try:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.context:
                    peer.start_tls(self.context)
                self.script(peer)
        finally:
            peer.sock.close()
            self.closed.release()


Serve = Callable[..., RawServer]


@contextlib.contextmanager
def _serving() -> Iterator[Serve]:
    servers: list[RawServer] = []

    def start(
        script: Script, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", family: int = socket.AF_INET
    ) -> RawServer:
        listener = socket.create_server((host, 0), family=family)
        servers.append(RawServer(script, listener, context))
        threading.Thread(target=servers[-1].serve, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        with contextlib.suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        server.listener.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers; all are stopped at the end of the test."""
    with _serving() as start:
        yield start


@pytest.fixture(scope="module")
def serve_module() -> Iterator[Serve]:
    """Starts servers; all are stopped at the end of the module."""
    with _serving() as start:
        yield start


@pytest.fixture
def connect() -> Iterator[Callable[..., NativeTransport]]:
    """Makes transports; all are closed at the end of the test."""
    transports: list[NativeTransport] = []

    def new(base_url: str, **options: Any) -> NativeTransport:
        transports.append(NativeTransport(base_url, "sk-test", **options))
        return transports[-1]

    yield new
    for transport in transports:
        transport.close()


@pytest.fixture
def ask() -> Callable[..., WireRequest]:
    """Makes requests; streamed unless told otherwise."""

    def new(content: str = "hi", **changes: Any) -> WireRequest:
        return chat_request("o3", [{"role": "user", "content": content}], **changes)

    return new


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Has every name resolve to these addresses; returns the list of names that are asked for."""

    def replace(*addresses: str) -> list[str]:
        asked: list[str] = []

        def lookup(host: str, port: int, **_options: int) -> list[Any]:
            asked.append(host)
            kinds = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in addresses]
            return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each, port)) for family, each in kinds]

        monkeypatch.setattr("relayload.transport.resolve.lookup", lookup)
        return asked

    return replace
