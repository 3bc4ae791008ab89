"""HTTP/1.1 as this client speaks it: the bytes of a request, and responses read by httptools (llhttp).

HTTP/2 is out of scope: relays of this kind serve both, and one stream per connection is what can be stamped.
"""

import zlib
from collections.abc import Mapping
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

    def render(self, path: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
        """Everything before the body. Raises ValueError for a header that would begin a new line."""
        lines = self._headers | _lower(headers) | {"content-length": str(body_bytes)}
        fields = "".join([f"{name}: {value}\r\n" for name, value in lines.items()])
        if fields.count("\n") != len(lines) or fields.count("\r") != len(lines):
            raise ValueError("a header with a line end in it")
        return f"POST {self._base}{path} HTTP/1.1\r\n{fields}\r\n".encode("latin-1")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class Response:
    """One response, fed as it arrives; interim ones (1xx) before it are passed over."""

    __slots__ = ("_inflate", "_keep_alive", "_parser", "_pieces", "_raw_headers", "complete", "on_body", "status")

    def __init__(self) -> None:
        self._raw_headers: list[tuple[bytes, bytes]] = []
        self._inflate: Inflate | None = None
        self._keep_alive = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # for the parser: no call of ours per piece
        self.status: int | None = None
        """None until the header is complete."""
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

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

    def end(self) -> None:
        """The connection was closed in order, which is the end of a body without a length (RFC 9112, 6.3)."""
        if self.status is not None and not self._length_known:
            self.complete = True

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case; what was sent more than once is joined by commas."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._raw_headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        return self._keep_alive and self._length_known

    def header(self, name: bytes) -> bytes:
        """The value of a header, by its name in lower case; empty where there is none."""
        return next((value for each, value in self._raw_headers if each.lower() == name), b"")

    def on_message_begin(self) -> None:
        if self.complete:
            raise WireError(Failure.NOT_HTTP)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 100 or status >= 200:
            self.status = status
            self._inflate = _inflate(self.header(b"content-encoding"))

    def on_message_complete(self) -> None:
        if self.status is None:
            self._raw_headers.clear()
        else:
            self.complete = True
            self._keep_alive = self._parser.should_keep_alive()

    @property
    def _length_known(self) -> bool:
        return bool(self.header(b"content-length") or self.header(b"transfer-encoding")) or self.status in (204, 304)


def _cause(error: Exception) -> BaseException:
    """What a callback raised, or else that this is no HTTP."""
    if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
        return error.__context__
    return WireError(Failure.NOT_HTTP)


def _inflate(encoding: bytes) -> Inflate | None:
    """What undoes a content encoding; this client asks for none, but some relays insist."""
    match encoding.strip().lower():
        case b"" | b"identity":
            return None
        case b"gzip" | b"x-gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        case b"deflate":
            return zlib.decompressobj()
    raise WireError(Failure.ENCODING)


def _inflated(inflate: Inflate, pieces: list[bytes]) -> list[bytes]:
    try:
        return [inflate.decompress(piece) for piece in pieces]
    except zlib.error:
        raise WireError(Failure.ENCODING) from None
