"""Sends single requests about the target itself, apart from the load: is it up, and which models does it have?"""

import json
import logging
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from math import inf
from typing import Any

from relayload.clock import now_s, wall_ns
from relayload.core.units import format_duration
from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.request import Endpoint, Timeouts
from relayload.core.wire.response_limits import ResponseLimits, TooLarge
from relayload.transport.buffers import Buffers
from relayload.transport.connection import Connection
from relayload.transport.credentials import key_header
from relayload.transport.dial import Dialler
from relayload.transport.drivers import Options
from relayload.transport.exchange import Exchange, Sending, Settings
from relayload.transport.failures import Failure, WireError
from relayload.transport.http_log import LoggedResponse
from relayload.transport.inflate import IDENTITY, accepted_by
from relayload.transport.origin import Origin, bracketed, origin_of
from relayload.transport.proxy import Proxy, proxy_for
from relayload.transport.redaction import Secrets
from relayload.transport.stamps import ArrivalClock
from relayload.transport.tls import target_context

_LOG = logging.getLogger("relayload")
_TIMEOUT_S = 10.0
"""Limit for a whole answer, from the DNS lookup to the last byte."""
_BODY_BYTES = 4_000_000
"""The most that is read of a body. Relays with hundreds of models send long lists."""
_HEADER_BYTES = 262_144
_LIMITS = ResponseLimits(header_bytes=_HEADER_BYTES, interim=_HEADER_BYTES, stream_bytes=2 * _BODY_BYTES)
"""Interim responses (1xx) count toward the header. The wire carries more than the body, because of chunk sizes."""
_QUOTED_LENGTH = 200
_WORDS = re.compile(r"(?![<{]).*[^\W\d_]{2}")
"""A readable error message: not just brackets and numbers, broken JSON or an empty page."""


BASE_URL, API_KEY, TLS, HEADERS = "base_url", "api_key", "tls", "headers"
"""Profile keys of a target that may be wrong if it can't be reached."""


class TargetUnreachable(Exception):
    """The target can't be load-tested as it is. The message explains what to change. Exit code 6."""

    def __init__(self, message: str, key: str = BASE_URL) -> None:
        super().__init__(message)
        self.key = key
        """The profile key of the target that may be wrong."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the instant (s) at which each piece of its body was read."""

    status: int
    headers: Mapping[str, str]
    """Values by lower-case name."""
    pieces: tuple[tuple[bytes, float], ...]
    cut: bool
    """Whether the connection ended before the body did, or the time ran out."""
    late: bool
    """Whether the time ran out."""
    began_at_s: float
    """When the request was sent."""
    ended_at_s: float
    wall_ns: int
    """Wall-clock time at which the headers arrived."""

    @property
    def body(self) -> bytes:
        return b"".join(piece for piece, _ in self.pieces)

    @property
    def words(self) -> str:
        """The message of an error, without the status that gateways put into the title of their pages."""
        return fault_of_body(self.body).message.removeprefix(f"{self.status} ")

    @property
    def took_s(self) -> float:
        return self.ended_at_s - self.began_at_s

    def header(self, name: str) -> str:
        """Return a header's value, or "" if there is none."""
        return self.headers.get(name, "")


class ProbeClient:
    """Sends HTTP requests, each on its own connection, with the same TLS settings, headers and proxy as the load."""

    def __init__(
        self,
        api_key: str,
        options: Options | None = None,
        timeout_s: float = _TIMEOUT_S,
        *,
        until_s: float = inf,
        hidden: Iterable[str] = (),
    ) -> None:
        """Each request may take `timeout_s`; all must end at the instant `until_s`. `hidden` are further secrets."""
        self._timeout_s = timeout_s
        self._until_s = until_s
        self._options = options or {}
        self._headers = self._headers_with(api_key)
        self._accept_encoding = self._options.get("accept_encoding", IDENTITY)
        headers = (self._options.get("headers") or {}).values()
        self.secrets = Secrets(api_key, (*headers, *hidden), self._options.get("hidden", ()))
        """Secrets that a relay may repeat, to be redacted."""
        self.sent: list[tuple[str, str]] = []
        """Method and path of every request sent."""

    def with_timeout(self, timeout_s: float) -> "ProbeClient":
        """Return a copy whose requests must all end within `timeout_s` from now. It shares the list `sent`."""
        other = copy(self)
        other._timeout_s, other._until_s = timeout_s, now_s() + timeout_s
        return other

    def with_key(self, api_key: str) -> "ProbeClient":
        """Return a copy that sends another key, one of those that it hides. It shares the list `sent`."""
        other = copy(self)
        other._headers = self._headers_with(api_key)
        return other

    def _headers_with(self, api_key: str) -> dict[str, str]:
        own = {name.lower(): value for name, value in (self._options.get("headers") or {}).items()}
        key = key_header(api_key, self._options.get("api_key_header"))
        return {**key, "accept": "application/json", **own}

    def ask(
        self, base_url: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the complete answer. Raises TargetUnreachable, also if the answer is cut off or late."""
        reply = self.exchange(base_url, method, path, body, headers)
        if reply.late:
            reason = f"has not ended its answer to {method} {path} within {self._timeout_s:.0f}s"
            raise TargetUnreachable(f"target {base_url} {reason}")
        if reply.cut:
            raise TargetUnreachable(f"target {base_url} breaks off its answer to {method} {path}")
        return reply

    def quoted_error(self, reply: Reply) -> str:
        """Return the relay's own error message in brackets, or "" if there is none."""
        words = self.secrets.quoted(reply.words)[:_QUOTED_LENGTH]
        return f" ({words})" if _WORDS.match(words) else ""

    def exchange(
        self, base_url: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return what arrived of the answer, which may be cut off. Raises TargetUnreachable."""
        origin = origin_of(base_url)
        proxy = proxy_for(origin)
        began_at_s = now_s()
        request = self._request(origin, proxy, method, path, body, headers or {})
        within_s = max(0.0, min(self._timeout_s, self._until_s - began_at_s))
        dialler = Dialler(origin, _ReadingClock(), self._context(origin), proxy)
        settings = Settings(_LIMITS, accepted_by(self._accept_encoding), Buffers(_LIMITS.buffered_bytes))
        try:
            with closing(dialler.dial(within_s, Failure.TOTAL_TIMEOUT).connection) as connection:
                self.sent.append((method, path))
                probe = _Probe(connection, Sending(Timeouts(total_s=within_s), began_at_s, Endpoint.CHAT), settings)
                probe.run(request)
            reply = probe.reply()
        except WireError as error:
            cause = error.__cause__
            self._note(f"{method} {path}", request, None, type(cause).__name__ if cause else error.failure.value)
            key = TLS if error.failure is Failure.TLS_CERTIFICATE else BASE_URL
            place = f"the proxy {proxy.origin.authority}" if proxy else f"{bracketed(origin.host)}:{origin.port}"
            raise TargetUnreachable(f"target {base_url}: {_cause(error, place, self._timeout_s)}", key) from None
        self._note(f"{method} {path}", request, reply)
        return reply

    def _note(self, asked: str, request: bytes, reply: Reply | None, failure: str = "") -> None:
        """Log the result of a request, if logging is on."""
        result = f"{reply.status} in {format_duration(reply.took_s)}" if reply else failure
        _LOG.info("asked the target %s: %s", asked, result)
        log = self._options.get("http_log")
        number = log.wanted() if log is not None else None
        if log is None or number is None:
            return
        head, _, body = request.partition(b"\r\n\r\n")
        log.write(number, self.secrets, head.decode("latin-1"), body, _shown(reply, failure))

    def _request(
        self,
        origin: Origin,
        proxy: Proxy | None,
        method: str,
        path: str,
        body: bytes | None,
        more: Mapping[str, str],
    ) -> bytes:
        read_by_proxy = proxy is not None and origin.scheme == "http"
        base = f"http://{origin.authority}" if read_by_proxy else ""
        encodings = {} if self._accept_encoding is None else {"accept-encoding": self._accept_encoding}
        own = {name.lower(): value for name, value in more.items()}
        usual = next((each.headers for each in Endpoint if each.path == path), {})
        headers = {"host": origin.authority, **encodings, **usual, **self._headers, **own, "connection": "close"}
        if proxy and read_by_proxy and proxy.authorization:
            headers["proxy-authorization"] = proxy.authorization
        if body is not None:
            headers |= {"content-type": "application/json", "content-length": str(len(body))}
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {base}{origin.path}{path}{origin.suffix} HTTP/1.1\r\n{fields}\r\n"
        return head.encode("latin-1") + (body or b"")

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        return target_context(
            origin,
            verify=self._options.get("verify", True),
            ca_file=self._options.get("ca_file"),
            client_cert=self._options.get("client_cert"),
        )


def _shown(reply: Reply | None, failure: str) -> LoggedResponse:
    if reply is None:
        return LoggedResponse(failure=f"failed: {failure}")
    head = "\n".join([f"HTTP/1.1 {reply.status}", *(f"{name}: {value}" for name, value in reply.headers.items())])
    cut = "cut off" if reply.cut else ""
    first_byte_s = reply.pieces[0][1] - reply.began_at_s if reply.pieces else None
    return LoggedResponse(head, reply.body, failure=cut, took_s=reply.took_s, first_byte_s=first_byte_s)


def is_json(body: bytes) -> bool:
    """Return whether an answer is JSON, as far as it was read."""
    try:
        read_json(body)
    except TooDeep:
        return False
    except ValueError:
        return body.lstrip()[:1] in (b"{", b"[")  # a long list is cut, but begins like JSON
    return True


class TooDeep(ValueError):
    """JSON that is nested too deeply to be intended."""


def read_json(body: bytes) -> Any:
    """Parse a JSON body. Raises ValueError if it is not JSON, and TooDeep."""
    try:
        return json.loads(body)
    except RecursionError:
        raise TooDeep from None


class _ReadingClock(ArrivalClock):
    """Uses the time of reading as arrival time: with a single answer, reading is never delayed."""

    def __init__(self) -> None:
        """Request no kernel timestamps."""

    def at_s(self, _ancillary: object, _earliest_s: float) -> float:
        return now_s()


class _Probe(Exchange):
    """Keeps each piece of the answer with its arrival time, and the error that ended the connection."""

    __slots__ = ("_error", "_pieces", "_size", "_wall_ns")

    def __init__(self, connection: Connection, sending: Sending, settings: Settings) -> None:
        super().__init__(connection, sending, settings)
        self._pieces: list[tuple[bytes, float]] = []
        self._size = 0
        self._wall_ns: int | None = None
        self._error: OSError | None = None

    def received(self, data: bytes, at_s: float) -> None:
        super().received(data, at_s)
        if self._wall_ns is None and self.response.status is not None:
            self._wall_ns = wall_ns()

    def lost(self, error: OSError | None) -> None:
        self._error = error
        super().lost(error)

    def _take(self, pieces: list[bytes], data: bytes = b"") -> None:  # noqa: ARG002 -- the exchange's
        self._pieces += [(piece, self._at_s) for piece in pieces]
        self._size += sum(map(len, pieces))
        if self._size >= _BODY_BYTES:
            raise TooLarge

    def reply(self) -> Reply:
        """Return what was read, at least the header. Raises WireError without a complete header."""
        response, failure = self.response, self.failure
        if response.status is None or self._wall_ns is None or failure is Failure.ENCODING:
            raise WireError(failure or Failure.NOT_HTTP) from self._error
        enough = failure is Failure.TOO_LARGE and (response.encoded or self._size >= _BODY_BYTES)
        cut, late = failure is not None and not enough, failure is Failure.TOTAL_TIMEOUT
        pieces = tuple(self._pieces)
        return Reply(
            response.status, response.headers, pieces, cut, late, self._sending.called_at_s, now_s(), self._wall_ns
        )


def models(base_url: str, api_key: str, options: Options | None = None) -> tuple[str, ...]:
    """Return the model names that the target lists at `GET /models`, in its order. Raises TargetUnreachable."""
    probe_client = ProbeClient(api_key, options)
    reply = probe_client.ask(base_url, "GET", "/models")
    if reply.status != 200:
        raise TargetUnreachable(
            f"target {base_url} answers {reply.status} to GET /models{probe_client.quoted_error(reply)}"
        )
    try:
        return tuple(_name(each) for each in read_json(reply.body)["data"])
    except (ValueError, LookupError, TypeError):
        raise TargetUnreachable(f"target {base_url} answers GET /models with no list of models") from None


def _name(model: Any) -> str:
    name = model["id"]
    if not isinstance(name, str):
        raise TypeError
    return name


def _cause(error: WireError, place: str, timeout_s: float) -> str:
    match error.__cause__:
        case ConnectionRefusedError():
            return f"nothing listens on {place}. Is the relay running? Is the port in target.base_url right?"
        case ssl.SSLCertVerificationError() as refused:
            return (
                f"the certificate of {place} can't be verified: {refused.verify_message}. Name its authority in "
                "target.tls.ca_file, or accept any certificate with target.tls.verify: false"
            )
        case ssl.SSLError():
            return f"{place} does not speak TLS. Should target.base_url begin with http://?"
        case socket.gaierror():
            return f"the name {place.rsplit(':', 1)[0]} does not resolve. Is target.base_url spelt right?"
        case OSError() as broken:
            return f"{place}: {broken}"
    if error.failure is Failure.TOTAL_TIMEOUT:
        return f"no answer from {place} within {timeout_s:.0f}s"
    return f"{place} {_FAILURES[error.failure]}"


_FAILURES = {
    Failure.PROXY: "refuses to let us through",
    Failure.ENCODING: "sends a content encoding that can't be undone: see target.accept_encoding",
    Failure.TOO_LARGE: "answers with more headers than anybody reads",
    Failure.TRUNCATED: "breaks off its answer",
    Failure.CLOSED_UNANSWERED: "does not speak HTTP. Should target.base_url begin with https://?",
    Failure.NOT_HTTP: "does not speak HTTP. Should target.base_url begin with https://?",
}
"""Messages for failures without an underlying system error."""
