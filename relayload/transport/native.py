"""The low-overhead driver: gevent's event loop, kernel timestamps, no greenlet switch per chunk."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from relayload import clock
from relayload.core.wire.request import Endpoint, Timeouts, WireRequest
from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, ResponseLimits
from relayload.core.wire.stream import FinishReason
from relayload.core.wire.structured_output import schema_of
from relayload.transport import Answer, OnText
from relayload.transport.attempts import Phases, Reading, answer
from relayload.transport.buffers import Buffers
from relayload.transport.connection import Connection
from relayload.transport.credentials import key_header
from relayload.transport.dial import Dialler
from relayload.transport.exchange import Exchange, Sending, Settings
from relayload.transport.failures import Failure, WireError
from relayload.transport.http1 import RequestHead
from relayload.transport.http_log import HttpLog, LoggedResponse
from relayload.transport.inflate import IDENTITY, accepted_by
from relayload.transport.origin import origin_of
from relayload.transport.pool import Lease, Pool
from relayload.transport.proxy import proxy_for
from relayload.transport.redaction import Secrets
from relayload.transport.stamps import ArrivalClock
from relayload.transport.sweep import Sweeper
from relayload.transport.tapped import TappedExchange
from relayload.transport.tls import target_context

_UNANSWERED = {Failure.CLOSED_UNANSWERED, Failure.RESET_UNANSWERED}


class NativeTransport:
    """A pool of keep-alive connections to the relay at `base_url`, such as `https://relay.example/v1`.

    `ca_file` replaces the system's certificates; `client_cert` is a PEM file with certificate and key. `headers` are
    sent with every request; a request's own headers replace them. `api_key_header` names the header for the key, in
    place of `Authorization: Bearer`. Proxies of the environment are used, except for this machine. If
    `accept_encoding` is None, that header is not sent. `buffers` is the memory budget of the process; by default a new
    one of the size in `limits`. `finish_reason` is "optional" for a relay whose streams end with `[DONE]` alone.
    `http_log` logs the first exchanges. `hidden` are other keys, which the relay might repeat. Raises AuthorError
    for a URL, a file or a proxy that it cannot use.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        verify: bool = True,
        ca_file: str | Path | None = None,
        client_cert: str | Path | None = None,
        headers: Mapping[str, str] | None = None,
        max_connections: int | None = None,
        api_key_header: str | None = None,
        accept_encoding: str | None = IDENTITY,
        limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS,
        buffers: Buffers | None = None,
        finish_reason: FinishReason = "required",
        http_log: HttpLog | None = None,
        hidden: Sequence[str] = (),
    ) -> None:
        origin = origin_of(base_url)
        context = target_context(origin, verify=verify, ca_file=ca_file, client_cert=client_cert)
        proxy = proxy_for(origin)
        self._finish_reason = finish_reason
        self._http_log = http_log
        self._secrets = Secrets(api_key, (headers or {}).values(), hidden)
        self._arrivals = ArrivalClock()
        self._pool = Pool(Dialler(origin, self._arrivals, context, proxy), max_connections)
        self._heads = {
            endpoint: RequestHead(
                origin,
                {**endpoint.headers, **key_header(api_key, api_key_header), **(headers or {})},
                None if context else proxy,
                accept_encoding=accept_encoding,
            )
            for endpoint in Endpoint
        }
        self._settings = Settings(
            limits=limits,
            accepted=accepted_by(accept_encoding),
            buffers=buffers or Buffers(limits.buffered_bytes),
            sweeper=Sweeper() if self._arrivals.stamped else None,
        )

    @property
    def kernel_timestamps(self) -> bool:
        """Whether arrival times came from the kernel."""
        return self._arrivals.kernel

    def send(
        self,
        request: WireRequest,
        timeouts: Timeouts,
        *,
        keep_text: bool = False,
        on_text: OnText | None = None,
        sampled: bool = False,
    ) -> Answer:
        """Send once and return the answer. Silently resends if the relay was just closing the connection."""
        keeps = keep_text or schema_of(request.endpoint, request.body) is not None
        sending = Sending(timeouts, clock.now_s(), request.endpoint, request.stream, keeps, on_text, sampled)
        body = msgspec.json.encode(request.body)
        data = self._heads[request.endpoint].render(request.path, request.headers, len(body)) + body
        number = None if self._http_log is None else self._http_log.wanted()
        kind = Exchange if number is None else partial(TappedExchange, partial(self._log, number, data))
        try:
            ended, lease = self._exchange(kind, sending, data)
            if _never_read(ended, lease.connection):
                ended, lease = self._exchange(kind, sending, data, new=True)
        except WireError as error:
            if number is not None:
                self._log(number, data, LoggedResponse(failure=f"not sent: {error.failure.value}"))
            return answer(Reading(request=request, failure=error.failure), Phases(), self._secrets)
        reading = _reading(
            ended, request, self._settings.limits, keep_body=keep_text, finish_reason=self._finish_reason
        )
        reading.sampled = sampled
        return answer(reading, _phases(ended, lease), self._secrets)

    def close(self) -> None:
        """Close idle connections now, and those in use once they are done."""
        self._pool.close()
        self._arrivals.close()

    def _exchange(
        self, kind: Callable[..., Exchange], sending: Sending, data: bytes, *, new: bool = False
    ) -> tuple[Exchange, Lease]:
        total_s, connect_s = sending.timeouts.total_s, sending.timeouts.connect_s
        until_s = None if total_s is None else sending.called_at_s + total_s
        lease = self._pool.lease(connect_s, until_s, new=new)
        exchange = kind(lease.connection, sending, self._settings)
        try:
            exchange.run(data)
        finally:
            self._pool.give_back(lease.connection)
        return exchange, lease

    def _log(self, number: int, request: bytes, answer: LoggedResponse) -> None:
        assert self._http_log is not None, "numbered it"
        head, _, body = request.partition(b"\r\n\r\n")
        self._http_log.write(number, self._secrets, head.decode("latin-1"), body, answer)


def _never_read(exchange: Exchange, connection: Connection) -> bool:
    """Return whether an idle connection was closed just as the request was sent, so that resending repeats nothing."""
    return exchange.failure in _UNANSWERED and connection.requests > 1 and connection.unprocessed


def _reading(
    exchange: Exchange, request: WireRequest, limits: ResponseLimits, *, keep_body: bool, finish_reason: FinishReason
) -> Reading:
    response = exchange.response
    return Reading(
        request=request,
        failure=exchange.failure,
        status=response.status,
        headers=response.headers,
        stream=exchange.stream,
        body=b"".join(exchange.body),
        keep_body=keep_body,
        finish_reason=finish_reason,
        sent_bytes=exchange.sent_bytes,
        received_bytes=exchange.received_bytes,
        limits=limits,
    )


def _phases(exchange: Exchange, lease: Lease) -> Phases:
    return Phases(
        sent_at_s=exchange.sent_at_s,
        all_sent_at_s=exchange.all_sent_at_s,
        first_byte_at_s=exchange.first_byte_at_s,
        last_byte_at_s=exchange.last_byte_at_s,
        blocked_s=lease.blocked_s,
        dns_s=lease.dns_s,
        connect_s=lease.connect_s,
        tls_s=lease.tls_s,
    )
