"""A server that sends exactly the bytes a test wants, and knows exactly what it received."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

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
        return dict(line.split(": ", 1) for line in self.head.split("\r\n")[1:] if line)


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
        head = self._read_until(b"\r\n\r\n").decode("latin-1")
        length = next(
            (int(v) for k, _, v in (x.partition(": ") for x in head.split("\r\n")) if k == "content-length"), 0
        )
        while len(self._rest) < length:
            self._read_more()
        body, self._rest = self._rest[:length], self._rest[length:]
        request = Request(head, body)
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

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

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


@dataclass
class RawServer:
    """Runs `script` for every connection, in a thread each."""

    script: Script
    listener: socket.socket
    context: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once for every connection whose script has ended."""

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def base_url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}/v1"

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._run, args=(sock, number), daemon=True).start()

    def _run(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            with sock:
                self.script(Peer(sock, number, self))
        self.closed.release()


Serve = Callable[..., RawServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers; all are stopped at the end of the test."""
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
