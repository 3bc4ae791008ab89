"""HTTP/1.1 as this client speaks it: renders requests, and reads responses with httptools (llhttp).

HTTP/2 is out of scope: relays serve both, and kernel timestamps need one stream per connection.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httptools

from relayload import __version__
from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, ResponseLimits, TooLarge
from relayload.transport.failures import Failure, WireError
from relayload.transport.inflate import IDENTITY, Inflater
from relayload.transport.origin import Origin
from relayload.transport.proxy import Proxy

_STANDARD_HEADERS = {
    "user-agent": f"relayload/{__version__}",
    "accept": "*/*",
    "content-type": "application/json",
}
_BODILESS = (204, 304)
_LENIENT_HEADER = {
    # What every common client accepts: obsolete line folding and control characters, any version, bare LF as line end,
    # and a content-length beside chunked encoding, which takes precedence.
    "lenient_headers": True,
    "lenient_version": True,
    "lenient_optional_cr_before_lf": True,
    "lenient_chunked_length": True,
}
_LENIENT_CHUNKS = {"lenient_optional_cr_before_lf": True, "lenient_spaces_after_chunk_size": True}
_USUAL_NAME_BYTES = 64
"""Longer header names are not cached."""
_FIELD_BYTES = 4
"""Bytes of a header field beside name and value: colon, blank and line end."""
_INTERIM = re.compile(rb"HTTP/\d\.\d 1\d\d")
_HEADER_END = re.compile(rb"(\r?\n\r?\n)")
_LENGTH = re.compile(rb"\r?\ncontent-length:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE)
"""A content-length field, which may be folded."""


class RequestHead:
    """The header of every request to one target. Only the path, the length and a request's own fields change."""

    def __init__(
        self,
        origin: Origin,
        headers: Mapping[str, str],
        proxy: Proxy | None = None,
        *,
        accept_encoding: str | None = IDENTITY,
    ) -> None:
        """`proxy` is one that reads the requests itself, as for targets without TLS."""
        self._base = f"http://{origin.authority}{origin.path}" if proxy else origin.path
        self._suffix = origin.suffix
        encodings = {} if accept_encoding is None else {"accept-encoding": accept_encoding}
        self._headers = {"host": origin.authority} | _STANDARD_HEADERS | encodings | _lower(headers)
        if proxy and proxy.authorization:
            self._headers["proxy-authorization"] = proxy.authorization
        self._fields = _fields(self._headers)

    def render(self, path: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
        """Return everything before the body. Raises ValueError for a header that contains a line end."""
        fields = self._fields
        if headers:
            own = _lower(headers)
            fields = fields + _fields(own) if self._headers.keys().isdisjoint(own) else _fields(self._headers | own)
        resource = f"{self._base}{path}{self._suffix}"
        return f"POST {resource} HTTP/1.1\r\n{fields}content-length: {body_bytes}\r\n\r\n".encode("latin-1")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _fields(headers: Mapping[str, str]) -> str:
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if fields.count("\n") != len(headers) or fields.count("\r") != len(headers):
        raise ValueError("a header with a line end in it")
    return fields


class Response:
    """One response, fed as it arrives. Interim responses (1xx) before it are skipped.

    `accepted` are the content encodings that the request asked for.
    """

    __slots__ = (
        "_accepted",
        "_begin",
        "_bodiless_bytes",
        "_inflater",
        "_interim",
        "_keep_alive",
        "_lenient",
        "_limits",
        "_parser",
        "_pieces",
        "_repeated",
        "complete",
        "headers",
        "on_body",
        "status",
    )

    def __init__(
        self, limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS, accepted: frozenset[str] = frozenset()
    ) -> None:
        self._limits = limits
        self._accepted = accepted
        self._begin: list[bytes] = []
        """What has arrived so far, kept until the header is complete."""
        self._bodiless_bytes = 0
        """Bytes received since the last part of the body."""
        self._interim = 0
        self._inflater: Inflater | None = None
        self._keep_alive = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called by the parser; avoids a Python call per piece
        self.complete = False
        self.headers: dict[str, str] = {}
        """Values by lower-case name; repeated headers are joined by commas."""
        self._repeated = 0
        self.status: int | None = None
        """None until the header is complete."""
        self._lenient = False
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces of the body that these bytes contain.

        Raises WireError if they cannot be parsed, and TooLarge if a limit is exceeded.
        """
        if self.status is None:
            self._begin.append(data)
        failed: Exception | None = None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            failed = error
        # Handled outside the except block, where an error would lose its own cause.
        if failed is not None and (begin := self._retry_leniently(failed)) is not None:
            return self.feed(begin)
        pieces = self._pieces.copy()
        if not pieces:
            self._count_bodiless(len(data))
            return pieces
        self._pieces.clear()
        self._bodiless_bytes = 0
        return pieces if self._inflater is None else self._inflated(pieces)

    def _retry_leniently(self, error: Exception) -> bytes | None:
        """Switch to a lenient parser and return the bytes to feed it. Few responses need it, so others don't pay.

        Returns None if the response is complete, or its header is not complete yet.
        """
        self._keep_alive = False
        if self.complete:  # unsolicited bytes follow
            return None
        if self.status is not None or isinstance(error, httptools.HttpParserCallbackError):
            raise _cause(error) from None
        came = b"".join(self._begin)
        begin = merge_lengths(came) if self._lenient else came
        if begin is None:
            raise WireError(Failure.NOT_HTTP)
        if self._lenient and begin == came:
            return None
        self._read_leniently()
        return begin

    def _read_leniently(self) -> None:
        self._lenient = True
        self._begin.clear()
        self.headers.clear()
        self._repeated = self._interim = 0
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**_LENIENT_HEADER)

    def _count_bodiless(self, size: int) -> None:
        self._bodiless_bytes += size
        if self._bodiless_bytes > self._limits.header_bytes and not self.complete:
            raise TooLarge

    def close(self) -> None:
        """Drop the parser, which breaks a reference cycle, so that no garbage collection is needed."""
        del self._parser

    def end(self) -> None:
        """Note that the connection was closed cleanly, which ends a body without a length (RFC 9112, 6.3)."""
        if self.status is not None and not self._length_known:
            self.complete = True

    @property
    def encoded(self) -> bool:
        """Whether the body has a content encoding, so that it is larger than on the wire."""
        return self._inflater is not None

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        return self._keep_alive and self._length_known

    def on_message_begin(self) -> None:
        if self.complete:
            raise WireError(Failure.NOT_HTTP)

    def on_header(self, name: bytes, value: bytes) -> None:
        key = _header_name(name) if len(name) <= _USUAL_NAME_BYTES else name.decode("latin-1").lower()
        text = value.decode("latin-1")
        if key not in self.headers:
            self.headers[key] = text
        elif self.status is None:  # else a trailer, which changes nothing
            self._repeated += 1
            self.headers[key] = f"{self.headers[key]}, {text}"

    def on_headers_complete(self) -> None:
        begin, limits = self._begin, self._limits
        if len(self.headers) + self._repeated > limits.headers:
            raise TooLarge
        if (len(begin) > 1 or len(begin[0]) > limits.header_bytes) and self._header_bytes() > limits.header_bytes:
            raise TooLarge
        status = self._parser.get_status_code()
        if status < 100 or status >= 200:
            self.status = status
            self._begin.clear()
            if "transfer-encoding" in self.headers:
                self._parser.set_dangerous_leniencies(**_LENIENT_CHUNKS)
            if "content-encoding" in self.headers:
                self._inflater = Inflater(self.headers["content-encoding"], self._limits, self._accepted)

    def _header_bytes(self) -> int:
        return sum(len(name) + len(value) + _FIELD_BYTES for name, value in self.headers.items())

    def on_message_complete(self) -> None:
        if self.status is None:
            self.headers.clear()
            self._repeated = 0
            self._interim += 1
            if self._interim > self._limits.interim:
                raise TooLarge
        else:
            self.complete = True
            self._keep_alive = self._parser.should_keep_alive()

    def _inflated(self, pieces: list[bytes]) -> list[bytes]:
        assert self._inflater is not None, "asked for by `feed`"
        return [inflated for piece in pieces for inflated in self._inflater.feed(piece)]

    @property
    def _length_known(self) -> bool:
        headers = self.headers
        if "transfer-encoding" in headers:  # unless chunked, it ends with the connection (RFC 9112, 6.3)
            return headers["transfer-encoding"].lower().endswith("chunked")
        return "content-length" in headers or self.status in _BODILESS


@lru_cache(maxsize=256)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _cause(error: Exception) -> BaseException:
    """Return the exception that a callback raised, or else NOT_HTTP."""
    if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
        return error.__context__
    return WireError(Failure.NOT_HTTP)


def merge_lengths(begin: bytes) -> bytes | None:
    """Merge repeated equal content-lengths at the start of a response into one (RFC 9110, 8.6).

    Drops interim responses before it. Returns `begin` unchanged while its header is incomplete, and None if no length
    repeats.
    """
    header, *ended = _HEADER_END.split(begin, maxsplit=1)
    while ended and _INTERIM.match(header):
        begin = ended[1]
        header, *ended = _HEADER_END.split(begin, maxsplit=1)
    lengths = [each.strip() for line in _LENGTH.findall(header) for each in line.split(b",")]
    if not header.startswith(b"HTTP/") or not lengths:
        return None
    if not ended:
        return begin
    if len(lengths) == 1 or len(set(lengths)) > 1:
        return None
    others = _LENGTH.sub(b"", header)
    return b"".join((others, b"\ncontent-length: ", lengths[0], *ended))
