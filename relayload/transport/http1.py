"""HTTP/1.1 as this client speaks it: the bytes of a request, and responses read by httptools (llhttp).

HTTP/2 is out of scope: relays of this kind serve both, and one stream per connection is what can be stamped.
"""

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import httptools

from relayload import __version__
from relayload.transport.failures import Failure, WireError
from relayload.transport.origin import Origin
from relayload.transport.proxy import Proxy

_STANDARD_HEADERS = {
    "user-agent": f"relayload/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
    "content-type": "application/json",
}
_BODILESS = (204, 304)


class Inflate(Protocol):
    """Undoes a content encoding, piece by piece."""

    def decompress(self, data: bytes, /) -> bytes: ...


class RequestHead:
    """The header of every request to one target: what changes is the path, the length, and a request's own lines."""

    def __init__(self, origin: Origin, headers: Mapping[str, str], proxy: Proxy | None = None) -> None:
        """`proxy` is one that reads the requests itself, as those to targets without TLS do."""
        self._base = f"http://{origin.authority}{origin.path}" if proxy else origin.path
        self._headers = {"host": origin.authority} | _STANDARD_HEADERS | _lower(headers)
        if proxy and proxy.authorization:
            self._headers["proxy-authorization"] = proxy.authorization
        self._fields = _fields(self._headers)

    def render(self, path: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
        """Everything before the body. Raises ValueError for a header that would begin a new line."""
        fields = self._fields
        if headers:
            own = _lower(headers)
            fields = fields + _fields(own) if self._headers.keys().isdisjoint(own) else _fields(self._headers | own)
        return f"POST {self._base}{path} HTTP/1.1\r\n{fields}content-length: {body_bytes}\r\n\r\n".encode("latin-1")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _fields(headers: Mapping[str, str]) -> str:
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if fields.count("\n") != len(headers) or fields.count("\r") != len(headers):
        raise ValueError("a header with a line end in it")
    return fields


class Response:
    """One response, fed as it arrives; interim ones (1xx) before it are passed over."""

    __slots__ = ("_inflate", "_keep_alive", "_parser", "_pieces", "complete", "headers", "on_body", "status")

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        """By name in lower case; what was sent more than once is joined by commas."""
        self._inflate: Inflate | None = None
        self._keep_alive = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # for the parser: no call of ours per piece
        self.status: int | None = None
        """None until the header is complete."""
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)
        # What every client of this field takes: a length beside chunks, which count, and spaces after their sizes.
        self._parser.set_dangerous_leniencies(lenient_chunked_length=True, lenient_spaces_after_chunk_size=True)

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of the body that come with these bytes. Raises WireError where they cannot be read."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keep_alive = False
            if not self.complete:  # else the response is whole, and something follows that nobody asked for
                raise _cause(error) from None
        pieces = self._pieces[:]
        self._pieces.clear()
        return pieces if self._inflate is None else _inflated(self._inflate, pieces)

    def close(self) -> None:
        """Nothing more will come. Parser and response know each other; now no collector is needed to part them."""
        del self._parser

    def end(self) -> None:
        """The connection was closed in order, which is the end of a body without a length (RFC 9112, 6.3)."""
        if self.status is not None and not self._length_known:
            self.complete = True

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        return self._keep_alive and self._length_known

    def on_message_begin(self) -> None:
        if self.complete:
            raise WireError(Failure.NOT_HTTP)

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = _header_name(name), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 100 or status >= 200:
            self.status = status
            if "content-encoding" in self.headers:
                self._inflate = _inflate(self.headers["content-encoding"])

    def on_message_complete(self) -> None:
        if self.status is None:
            self.headers.clear()
        else:
            self.complete = True
            self._keep_alive = self._parser.should_keep_alive()

    @property
    def _length_known(self) -> bool:
        headers = self.headers
        if "transfer-encoding" in headers:  # any other than in chunks ends with the connection (RFC 9112, 6.3)
            return headers["transfer-encoding"].lower().endswith("chunked")
        return "content-length" in headers or self.status in _BODILESS


@lru_cache(maxsize=256)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _cause(error: Exception) -> BaseException:
    """What a callback raised, or else that this is no HTTP."""
    if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
        return error.__context__
    return WireError(Failure.NOT_HTTP)


def _inflate(encoding: str) -> Inflate | None:
    """What undoes a content encoding; this client asks for none, but some relays insist."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        case "deflate":
            return zlib.decompressobj()
    raise WireError(Failure.ENCODING)


def _inflated(inflate: Inflate, pieces: list[bytes]) -> list[bytes]:
    try:
        return [inflate.decompress(piece) for piece in pieces]
    except zlib.error:
        raise WireError(Failure.ENCODING) from None
