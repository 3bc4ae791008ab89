"""One request and its response on an open connection: sends, receives and enforces the deadlines."""

from dataclasses import dataclass
from typing import Any

from gevent import get_hub, getcurrent
from msgspec import Struct

from relayload import clock
from relayload.core.stats.histogram import bucket
from relayload.core.wire.opening import is_event_stream
from relayload.core.wire.request import Endpoint, Timeouts
from relayload.core.wire.response_limits import ResponseLimits, TooLarge
from relayload.core.wire.stream import TokenStream
from relayload.transport import OnText
from relayload.transport.buffers import UNCOUNTED_BYTES, Buffers
from relayload.transport.connection import (
    ENCODED_READ_BYTES,
    FIRST_READ_BYTES,
    READ_BYTES,
    STREAM_READ_BYTES,
    Connection,
)
from relayload.transport.deadlines import Deadline, DeadlineTimer, next_deadline
from relayload.transport.failures import Failure, WireError, exchange_failure
from relayload.transport.http1 import Response
from relayload.transport.sweep import CALM_GAP_S, Sweeper

_MOST_PIECES = 1_024
"""The most pieces of a body that are kept apart: small ones take far more memory than their bytes."""
ERROR_BYTES = 1_000_000
"""The most that is read of an answer that is an error."""
_CRLF = b"\r\n"
_READS_TO_SETTLE = 16
"""How many reads may show that a stream is calm, with gaps of at least CALM_GAP_S."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings shared by all exchanges of a transport."""

    limits: ResponseLimits
    accepted: frozenset[str]
    """The content encodings that requests ask for."""
    buffers: Buffers
    sweeper: Sweeper | None = None


class Sending(Struct, frozen=True, gc=False):
    """The timeouts of one request, and what to keep of its answer."""

    timeouts: Timeouts
    called_at_s: float
    """When the attempt began, before there was a connection. `total_s` counts from this instant."""
    endpoint: Endpoint
    stream: bool = False
    keep_text: bool = False
    on_text: OnText | None = None
    sampled: bool = False


class Exchange:
    """One request and its response. Runs in the event loop; the greenlet that started it waits in `run`."""

    __slots__ = (
        "_at_s",
        "_body_bytes",
        "_bug",
        "_cancel_after_tokens",
        "_connection",
        "_holds",
        "_most_bytes",
        "_sending",
        "_sent_before_bytes",
        "_settings",
        "_timer",
        "_token_at_s",
        "_undecided",
        "_unsettled",
        "_waiting",
        "_wants_stream",
        "all_sent_at_s",
        "body",
        "failure",
        "first_byte_at_s",
        "last_byte_at_s",
        "over",
        "received_bytes",
        "response",
        "sent_at_s",
        "stream",
    )

    def __init__(self, connection: Connection, sending: Sending, settings: Settings) -> None:
        self._connection = connection
        self._sending = sending
        self._settings = settings
        self._most_bytes = settings.limits.stream_bytes
        self._cancel_after_tokens = sending.timeouts.cancel_after_tokens
        self._wants_stream = self._undecided = sending.stream
        """`_undecided`: too little of the body has arrived to tell whether it is the requested stream."""
        self._unsettled = _READS_TO_SETTLE
        self._token_at_s: float | None = None
        self._timer = DeadlineTimer(self._deadline, self._on_late)
        self._waiting: Any = None
        self._bug: Exception | None = None
        self._at_s = 0.0
        self._sent_before_bytes = connection.sent_bytes
        self.response = Response(settings.limits, settings.accepted)
        self.stream: TokenStream | None = None
        """The answer, if it is streamed."""
        self.body: list[bytes] = []
        """The pieces of an answer that is not streamed."""
        self._body_bytes = 0
        self._holds = False
        """Whether it holds enough memory to count against the budget of the process."""
        self.over = False
        self.failure: Failure | None = None
        self.sent_at_s = 0.0
        self.all_sent_at_s: float | None = None
        self.first_byte_at_s: float | None = None
        self.last_byte_at_s: float | None = None
        self.received_bytes = 0

    def run(self, request: bytes) -> None:
        """Send these bytes and wait until the response is complete or nothing more will come."""
        connection = self._connection
        connection.receiver = self
        connection.read_bytes = FIRST_READ_BYTES if self._wants_stream else READ_BYTES
        self.sent_at_s = clock.now_s()
        if self._wants_stream and self._settings.sweeper is not None:
            connection.watch(self._settings.sweeper)
        try:
            connection.send(request, self.sent_at_s)
            if not self.over:
                self._timer.set()
            while not self.over:
                self._waiting = getcurrent()
                get_hub().switch()
        except BaseException:
            connection.close()
            raise
        finally:
            self._waiting = None
            self._timer.stop()
            if self._holds:
                self._settings.buffers.release(self)
            del self._timer  # breaks a reference cycle, so that no garbage collection is needed
            self.response.close()
        if self._bug is not None:
            raise self._bug

    @property
    def sent_bytes(self) -> int:
        """Bytes sent on the wire, with header and TLS."""
        return self._connection.sent_bytes - self._sent_before_bytes

    def sent(self) -> None:
        if self.all_sent_at_s is None:
            self.all_sent_at_s = clock.now_s() if self.first_byte_at_s is None else self.first_byte_at_s

    def received(self, data: bytes, at_s: float) -> None:
        self._at_s = at_s
        self.received_bytes = received_bytes = self.received_bytes + len(data)
        if self.first_byte_at_s is None:
            self._begin(at_s)
        try:
            if received_bytes > self._most_bytes:
                raise TooLarge
            pieces = self.response.feed(data)
            if pieces:
                self._take(pieces, data)
            if self.response.complete:
                self._complete()
        except WireError as error:
            self._fail(error.failure)
        except TooLarge:
            self.give_up()
        except Exception as bug:  # our own, raised again in `run`
            self._bug = bug
            self._finish(None)

    def _begin(self, at_s: float) -> None:
        self.first_byte_at_s = at_s
        if self.all_sent_at_s is not None:  # the kernel may have sent it before it reported that
            self.all_sent_at_s = min(self.all_sent_at_s, at_s)

    def lost(self, error: OSError | None) -> None:
        answered = self.first_byte_at_s is not None
        if error is not None:
            self._fail(exchange_failure(error, answered=answered))
            return
        self.response.end()
        if self.response.complete:
            self._complete()
        else:
            self._fail(Failure.TRUNCATED if answered else Failure.CLOSED_UNANSWERED)

    def _take(self, pieces: list[bytes], data: bytes = b"") -> None:
        """Take pieces of the body. `data` is the whole read, if they are all of one."""
        stream = self.stream
        if stream is not None:
            for piece in pieces:
                if stream.feed(piece, self._at_s):
                    self._hold(stream.held_bytes)
            if stream.undated:
                self._date(stream, pieces, data)
            if self._unsettled:
                self._settle(stream)
            if self._cancel_after_tokens is not None and stream.chunks >= self._cancel_after_tokens:
                raise WireError(Failure.CANCELLED)
            if stream.done_at_s is not None and not self.response.complete:
                self._timer.set()
        else:
            known = bool(self.body)
            self._take_body(pieces)
            if self._undecided:
                self._decide(b"" if known else data)

    def _date(self, stream: TokenStream, pieces: list[bytes], data: bytes) -> None:
        """Tell the stream how early its last tokens can have arrived, if the system gives timestamps."""
        if self._settings.sweeper is None:
            stream.date(self._at_s, exact=True)
            return
        one_read = data or not pieces
        stream.date(
            self._connection.earliest_s if one_read else self.sent_at_s,
            exact=bool(data) and self._is_exact(data, pieces[-1]),
        )

    def _is_exact(self, data: bytes, piece: bytes) -> bool:
        """Return whether the stamp of a read is that of the last byte of this piece of the body.

        It is, if the read left nothing behind and ended with the piece. The line end behind a chunk is taken to arrive
        with it, unless it was ever seen to come later.
        """
        connection = self._connection
        arrivals = connection.arrivals
        if not connection.drained or self._at_s == arrivals.guessed_at_s:
            return False
        if data.endswith(piece):
            arrivals.line_ends_apart |= "transfer-encoding" in self.response.headers
            return True
        return not arrivals.line_ends_apart and data.endswith(_CRLF) and data.endswith(piece, 0, -len(_CRLF))

    def _decide(self, data: bytes) -> None:
        """Read the body as a stream or as a plain body from now on, or wait if too little has arrived to tell."""
        streams = self._streams()
        self._undecided = streams is None
        if streams:
            sending = self._sending
            self.stream = TokenStream(
                sending.endpoint,
                bucket,
                keep_text=sending.keep_text,
                on_text=sending.on_text,
                limits=self._settings.limits,
                sampled=sending.sampled,
            )
            pieces, self.body = self.body, []
            self._take(pieces, data)

    def _take_body(self, pieces: list[bytes]) -> None:
        if len(pieces) > 1 and not self._undecided:
            pieces = [b"".join(pieces)]
        self.body += pieces
        if len(self.body) > _MOST_PIECES:
            self.body[:] = [b"".join(self.body)]
        self._body_bytes += len(pieces[0]) if len(pieces) == 1 else sum(map(len, pieces))
        if self._body_bytes > UNCOUNTED_BYTES or self._body_bytes > self._settings.limits.body_bytes:
            if self._body_bytes > self._most_body_bytes:
                raise TooLarge
            self._hold(self._body_bytes)

    def _hold(self, size: int) -> None:
        """Count what is held against the budget of the process, if it is worth counting."""
        if self._holds or size > UNCOUNTED_BYTES:
            self._holds = True
            self._settings.buffers.hold(self, size)

    @property
    def _most_body_bytes(self) -> int:
        """The most bytes to read of the body: less for an error, of which only the message is needed."""
        most = self._settings.limits.body_bytes
        return most if 200 <= (self.response.status or 0) < 300 else min(most, ERROR_BYTES)

    def give_up(self) -> None:
        """Fail because the answer exceeds a limit, and keep nothing of it but its status."""
        self.body.clear()
        if self.stream is not None:
            self.stream.drop()
        self._fail(Failure.TOO_LARGE)

    def _settle(self, stream: TokenStream) -> None:
        """Decide how to read this stream: its first token alone, then in turns if the stream is calm."""
        at_s, before_s = stream.last_token_at_s, self._token_at_s
        if at_s is None:
            return
        self._token_at_s = at_s
        self._unsettled -= 1
        if before_s is None:
            self._take_first_token()
        elif at_s - before_s >= CALM_GAP_S and self._settings.sweeper is not None:
            self._connection.read_in_turns(self._settings.sweeper)
            self._unsettled = 0

    def _take_first_token(self) -> None:
        self._connection.read_at_once()
        self._connection.read_bytes = ENCODED_READ_BYTES if self.response.encoded else STREAM_READ_BYTES
        self._timer.set()  # from now on, gaps count

    def _streams(self) -> bool | None:
        """Return whether the body is the requested stream, not an error or a plain answer. None if it is too early."""
        response = self.response
        if not 200 <= (response.status or 0) < 300:
            return False
        label = response.headers.get("content-type", "")
        return is_event_stream(self.body, label, complete=response.complete)

    def _fail(self, failure: Failure) -> None:
        """End without a complete body. A stream that has sent `[DONE]` is complete, however its body ends."""
        if self.stream is not None and self.stream.done_at_s is not None:
            self._complete()
        else:
            self._finish(failure)

    def _complete(self) -> None:
        """End with a complete body. What is read last may still exceed a limit, or reach `cancel_after_tokens`."""
        try:
            if self._undecided and self.stream is None:
                self._take([])  # an empty body may be a stream, too
            if self.stream is not None:
                self.stream.end(self._at_s)
                if self.stream.undated:
                    self._date(self.stream, [], b"")
        except WireError as error:
            self._finish(error.failure)
            return
        except TooLarge:
            self.give_up()
            return
        except Exception as bug:  # as in `received`; the end of the connection leads here, too
            self._bug = bug
        self.last_byte_at_s = self._at_s
        self._finish(None)

    def _finish(self, failure: Failure | None) -> None:
        self.over = True
        self.failure = failure
        connection = self._connection
        connection.receiver = None
        connection.read_at_once()
        if failure is not None or not self.response.reusable or self.all_sent_at_s is None:
            connection.close()
        if self._waiting is not None:
            get_hub().loop.run_callback(self._wake)

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()

    def _deadline(self) -> Deadline | None:
        sending = self._sending
        return next_deadline(
            sending.timeouts, sending.called_at_s, self.sent_at_s, self.stream, wants_stream=self._wants_stream
        )

    def _on_late(self, failure: Failure) -> None:
        """Fail if the deadline has really passed: unread bytes that arrived in time may move it or end the exchange.

        They are read in turns, like everything else, so that a peer that never stops sending can't block the loop.
        """
        more = self._connection.drain()
        if self.over:
            return
        deadline = self._deadline()
        if deadline is None or deadline[0] > clock.now_s() or (more and self._connection.last_at_s < deadline[0]):
            self._timer.set()
        else:
            self._fail(failure)
