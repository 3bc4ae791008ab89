"""Exchanges of the SDK's HTTP client, to be written down: requests as they leave, answers as the SDK is handed them."""

from collections.abc import Callable

import httpx2

from relayload.clock import now_s
from relayload.transport.http_log import MOST_BYTES, HttpLog, Shown
from relayload.transport.redaction import Secrets


class Tap:
    """Begins to keep exchanges, as long as any are wanted."""

    def __init__(self, log: HttpLog, secrets: Secrets) -> None:
        self._log = log
        self._secrets = secrets

    def begin(self, request: httpx2.Request) -> "Tapped | None":
        """The exchange that this request begins; None where no more are wanted."""
        number = self._log.wanted()
        if number is None:
            return None
        resource = request.url.raw_path.decode("latin-1")
        head = "\n".join([f"{request.method} {resource} HTTP/1.1", *_fields(request.headers)])
        return Tapped(lambda shown: self._log.write(number, self._secrets, head, request.read(), shown))


class Tapped:
    """One of them."""

    def __init__(self, write: Callable[[Shown], None]) -> None:
        self._write = write
        self._began_at_s = now_s()
        self._first_byte_s: float | None = None
        self._pieces: list[bytes] = []
        self._kept_bytes = 0
        self._over = False

    def take(self, piece: bytes) -> None:
        """A part of the body, decoded."""
        if self._first_byte_s is None:
            self._first_byte_s = now_s() - self._began_at_s
        if self._kept_bytes < MOST_BYTES:
            self._pieces.append(piece)
            self._kept_bytes += len(piece)

    def end(self, response: httpx2.Response) -> None:
        """Nothing more comes of the body, whether it is whole or not."""
        head = "\n".join([f"HTTP/1.1 {response.status_code} {response.reason_phrase}", *_fields(response.headers)])
        took_s = now_s() - self._began_at_s
        shown = Shown(head, b"".join(self._pieces), took_s=took_s, first_byte_s=self._first_byte_s)
        if not self._over:
            self._over = True
            self._write(shown)

    def failed(self, error: Exception) -> None:
        """There is no answer."""
        self._over = True
        self._write(Shown(failure=f"failed: {type(error).__name__}", took_s=now_s() - self._began_at_s))


def _fields(headers: httpx2.Headers) -> list[str]:
    return [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in headers.raw]
