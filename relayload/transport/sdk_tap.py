"""Captures exchanges of the SDK's HTTP client for the log: requests as they leave, answers as the SDK receives them."""

from collections.abc import Callable

import httpx2

from relayload.clock import now_s
from relayload.transport.http_log import MOST_BYTES, HttpLog, LoggedResponse
from relayload.transport.redaction import Secrets


class Tap:
    """Captures exchanges as long as the log wants more."""

    def __init__(self, log: HttpLog, secrets: Secrets) -> None:
        self._log = log
        self._secrets = secrets

    def begin(self, request: httpx2.Request) -> "Tapped | None":
        """Start capturing the exchange of this request. Returns None if the log wants no more."""
        number = self._log.wanted()
        if number is None:
            return None
        resource = request.url.raw_path.decode("latin-1")
        head = "\n".join([f"{request.method} {resource} HTTP/1.1", *_fields(request.headers)])
        return Tapped(lambda shown: self._log.write(number, self._secrets, head, request.read(), shown))


class Tapped:
    """One captured exchange."""

    def __init__(self, write: Callable[[LoggedResponse], None]) -> None:
        self._write = write
        self._began_at_s = now_s()
        self._first_byte_s: float | None = None
        self._pieces: list[bytes] = []
        self._kept_bytes = 0
        self._over = False

    def take(self, piece: bytes) -> None:
        """Add a decoded part of the body."""
        if self._first_byte_s is None:
            self._first_byte_s = now_s() - self._began_at_s
        if self._kept_bytes < MOST_BYTES:
            self._pieces.append(piece)
            self._kept_bytes += len(piece)

    def end(self, response: httpx2.Response) -> None:
        """Log the exchange at the end of the body, complete or not."""
        head = "\n".join([f"HTTP/1.1 {response.status_code} {response.reason_phrase}", *_fields(response.headers)])
        took_s = now_s() - self._began_at_s
        shown = LoggedResponse(head, b"".join(self._pieces), took_s=took_s, first_byte_s=self._first_byte_s)
        if not self._over:
            self._over = True
            self._write(shown)

    def failed(self, error: Exception) -> None:
        """Log that there is no answer."""
        self._over = True
        self._write(LoggedResponse(failure=f"failed: {type(error).__name__}", took_s=now_s() - self._began_at_s))


def _fields(headers: httpx2.Headers) -> list[str]:
    return [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in headers.raw]
