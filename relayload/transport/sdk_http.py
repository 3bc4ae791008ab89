"""The HTTP client of the official SDK, with what it lacks: limits on what is read, and fair turns for other greenlets.

A greenlet that always finds something to read never waits, so timers and other requests would never get a turn.
"""

import re
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import gevent
import h11
import httpcore2
import httpx2
import openai
from gevent import get_hub, getcurrent

from relayload.core.wire.response_limits import ResponseLimits, TooLarge
from relayload.transport.buffers import UNCOUNTED_BYTES, Buffers
from relayload.transport.exchange import ERROR_BYTES
from relayload.transport.failures import Failure, WireError
from relayload.transport.inflate import ENCODINGS, Inflater
from relayload.transport.origin import Origin
from relayload.transport.proxy import proxy_for
from relayload.transport.sdk_tap import Tap, Tapped

_TURN_BYTES = 16_384
_HEADER_TOO_LARGE = 431
_CUT_SHORT = "peer closed connection"
"""How the SDK's client begins its message when a body broke off."""
_EVENT_END = re.compile(rb"\n\n|\r\n\r\n|\r\r")


class Interrupted(BaseException):
    """The attempt is over. Not an Exception, which the SDK would handle itself."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class ResponseTooLarge(TooLarge):
    """The answer with this status exceeds a limit."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def http_client(
    origin: Origin,
    context: ssl.SSLContext | None,
    limits: ResponseLimits,
    buffers: Buffers,
    *,
    accept_encoding: str | None,
    max_connections: int | None,
    tap: Tap | None = None,
) -> httpx2.Client:
    """Return the SDK's kind of client with one TLS context, the proxy of the native driver, and no redirects."""
    proxy = proxy_for(origin)
    shown = {"proxy-authorization": proxy.authorization} if proxy and proxy.authorization else {}
    return openai.DefaultHttpx2Client(
        transport=_Transport(
            response_limits=limits,
            buffers=buffers,
            accept_encoding=accept_encoding,
            tap=tap,
            verify=context or True,
            proxy=httpx2.Proxy(f"http://{proxy.origin.authority}", headers=shown) if proxy else None,
            trust_env=False,
            limits=httpx2.Limits(max_connections=max_connections),
        ),
        trust_env=False,
        follow_redirects=False,
        params=httpx2.QueryParams(origin.query) if origin.query else None,
    )


class _Transport(httpx2.HTTPTransport):
    def __init__(
        self,
        *,
        response_limits: ResponseLimits,
        buffers: Buffers,
        accept_encoding: str | None,
        tap: Tap | None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._response_limits = response_limits
        self._buffers = buffers
        self._accept_encoding = accept_encoding
        self._tap = tap
        self._pool._network_backend = _Backend(response_limits)  # there is no public option

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers.pop("accept-encoding", None)
        if self._accept_encoding is not None:
            request.headers["accept-encoding"] = self._accept_encoding
        tapped = None if self._tap is None else self._tap.begin(request)
        try:
            response = super().handle_request(request)
        except Exception as error:
            if tapped is not None:
                tapped.failed(error)
            raise
        if len(response.headers.raw) > self._response_limits.headers:
            response.close()
            raise ResponseTooLarge(response.status_code)
        return _BoundedResponse(response, self._response_limits, self._buffers, tapped)


class _BoundedResponse(httpx2.Response):
    """A response whose body is read only up to the limits."""

    def __init__(
        self, response: httpx2.Response, limits: ResponseLimits, buffers: Buffers, tapped: Tapped | None = None
    ) -> None:
        super().__init__(
            response.status_code,
            headers=response.headers,
            stream=response.stream,
            extensions=response.extensions,
        )
        self._limits = limits
        self._buffers = buffers
        self._tapped = tapped
        self._whole = False
        self._decoded_bytes = 0
        self._event_bytes = 0
        self.beside_bytes = 0
        """Bytes of the response that its reader keeps."""
        self._reader = getcurrent()

    def read(self) -> bytes:
        """Return the whole body. Raises ResponseTooLarge."""
        self._whole = True
        return super().read()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the decoded body piece by piece. Raises ResponseTooLarge."""
        try:
            for piece in super().iter_bytes(chunk_size):
                self._count(piece)
                if self._tapped is not None:
                    self._tapped.take(piece)
                yield piece
        except TooLarge:
            raise ResponseTooLarge(self.status_code) from None
        except WireError as error:
            raise httpx2.DecodingError("an encoding that can't be undone") from error
        finally:
            self._buffers.release(self)
            self._note_end()

    def close(self) -> None:
        """Close it; the SDK may have read only part of it."""
        super().close()
        self._note_end()

    def _note_end(self) -> None:
        if self._tapped is not None:
            self._tapped.end(self)

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body as received. Decompression bombs never reach the SDK's decoders, which have no limit."""
        inflater = self._inflater()
        for piece in super().iter_raw(chunk_size):
            if inflater is not None:
                inflater.feed(piece)
            yield piece

    def _inflater(self) -> Inflater | None:
        named = (name.strip() for name in self.headers.get("content-encoding", "").lower().split(","))
        encodings = [name for name in named if name in ENCODINGS]  # the SDK ignores others
        return Inflater(",".join(encodings), self._limits, ENCODINGS) if encodings else None

    def give_up(self) -> None:
        """Fail because the memory budget is used up: interrupt the reader at the next turn of the event loop."""
        get_hub().loop.run_callback(self._interrupt)

    def _interrupt(self) -> None:
        if not self.is_closed:
            self._reader.throw(Interrupted(Failure.TOO_LARGE))

    def _count(self, piece: bytes) -> None:
        self._decoded_bytes += len(piece)
        if self._decoded_bytes > self._most_bytes:
            raise TooLarge
        held = self._decoded_bytes if self._whole else self._count_events(piece) + self.beside_bytes
        if held > UNCOUNTED_BYTES:
            self._buffers.hold(self, held)

    def _count_events(self, piece: bytes) -> int:
        """Return the bytes of the last, unfinished event."""
        first, *others = map(len, _EVENT_END.split(piece))
        longest = max(self._event_bytes + first, *others, 0)
        if longest > self._limits.event_bytes:
            raise TooLarge
        self._event_bytes = others[-1] if others else longest
        return self._event_bytes

    @property
    def _most_bytes(self) -> int:
        if not self._whole:
            return self._limits.stream_bytes
        return self._limits.body_bytes if self.is_success else min(self._limits.body_bytes, ERROR_BYTES)


class _Backend(httpcore2.SyncBackend):
    """Opens connections that yield to other greenlets."""

    def __init__(self, limits: ResponseLimits) -> None:
        self._limits = limits

    def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore2.NetworkStream:
        return _Stream(super().connect_tcp(*arguments, **options), self._limits)


class _Stream(httpcore2.NetworkStream):
    """A connection that reads at most the limit between two requests."""

    def __init__(self, stream: httpcore2.NetworkStream, limits: ResponseLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._received_bytes = 0
        self._turn_bytes = 0
        self.reads = 0
        """The number of reads."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(min(max_bytes, _TURN_BYTES), timeout)
        self.reads += 1
        self._received_bytes += len(data)
        self._turn_bytes += len(data)
        if self._received_bytes > self._limits.stream_bytes:
            raise TooLarge
        if self._turn_bytes >= _TURN_BYTES:
            self._turn_bytes = 0
            gevent.sleep(0)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._received_bytes = 0
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._limits)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def reads_of(response: httpx2.Response) -> int:
    """Return the number of reads on the connection of this response."""
    stream = response.extensions.get("network_stream")
    return stream.reads if isinstance(stream, _Stream) else 0


def refusal(error: BaseException | None) -> Failure | None:
    """Return why an SDK error gave up on an answer that arrived: too large, or not HTTP; else None."""
    for each in causes(error):
        if isinstance(each, TooLarge):
            return Failure.TOO_LARGE
        if isinstance(each, h11.RemoteProtocolError):
            return _refused(each)
    return None


def _refused(error: h11.RemoteProtocolError) -> Failure | None:
    if error.error_status_hint == _HEADER_TOO_LARGE:
        return Failure.TOO_LARGE
    return None if str(error).startswith(_CUT_SHORT) else Failure.NOT_HTTP


def causes(error: BaseException | None) -> Iterable[BaseException]:
    """Yield an error and its causes, the last one first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
