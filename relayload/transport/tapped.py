"""An exchange of the native driver that keeps what arrives on the wire, for the log."""

from collections.abc import Callable, Sequence

from relayload.core.wire.response_limits import TooLarge
from relayload.transport.connection import Connection
from relayload.transport.exchange import Exchange, Sending, Settings
from relayload.transport.failures import WireError
from relayload.transport.http1 import Response
from relayload.transport.http_log import MOST_BYTES, LoggedResponse
from relayload.transport.inflate import ENCODINGS

_HEAD_ENDS = (b"\r\n\r\n", b"\n\n")


class TappedExchange(Exchange):
    """An exchange that passes its result to `write` when it is over. Slower than a plain one."""

    __slots__ = ("_kept_bytes", "_wire", "_write")

    def __init__(
        self, write: Callable[[LoggedResponse], None], connection: Connection, sending: Sending, settings: Settings
    ) -> None:
        super().__init__(connection, sending, settings)
        self._write = write
        self._wire: list[bytes] = []
        self._kept_bytes = 0

    def run(self, request: bytes) -> None:
        try:
            super().run(request)
        finally:
            self._write(self._shown)

    def received(self, data: bytes, at_s: float) -> None:
        if self._kept_bytes < MOST_BYTES:
            self._wire.append(data)
            self._kept_bytes += len(data)
        super().received(data, at_s)

    @property
    def _shown(self) -> LoggedResponse:
        """The result, with the body decoded."""
        head, body = head_and_body(self._wire)
        last_at_s = self.last_byte_at_s
        return LoggedResponse(
            head=head,
            body=body,
            failure="" if self.failure is None else f"failed: {self.failure.value}",
            took_s=None if last_at_s is None else last_at_s - self.sent_at_s,
            first_byte_s=None if self.first_byte_at_s is None else self.first_byte_at_s - self.sent_at_s,
        )


def head_and_body(wire: Sequence[bytes]) -> tuple[str, bytes]:
    """Return the head as received and the body decoded, or as received if it can't be decoded."""
    whole = b"".join(wire)
    end = min((at for mark in _HEAD_ENDS if (at := whole.find(mark)) >= 0), default=len(whole))
    response = Response(accepted=ENCODINGS)
    try:
        body = b"".join(response.feed(whole))
    except (WireError, TooLarge):
        body = whole[end:].lstrip(b"\r\n")
    response.close()
    return whole[:end].decode("latin-1"), body
