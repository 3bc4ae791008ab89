"""HTTP/1.1 as this client speaks it: the bytes of a request, and responses read by httptools (llhttp).

HTTP/2 is out of scope: relays of this kind serve both, and one stream per connection is what can be stamped.
"""

import zlib
from collections.abc import Callable, Mapping

import httptools

from relayload import __version__
from relayload.transport.failures import Failure, WireError
from relayload.transport.origin import Origin

_STANDARD_HEADERS = {
    "user-agent": f"relayload/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
    "content-type": "application/json",
}

Consume = Callable[[bytes], None]
"""Takes the next bytes of a body."""


class RequestHead:
    """The header of every request to one target: what changes is the path, the length, and a request's own lines."""

    def __init__(self, origin: Origin, headers: Mapping[str, str], *, by_proxy: bool = False) -> None:
        self._base = f"http://{origin.authority}{origin.path}" if by_proxy else origin.path
        self._headers = _lower({"host": origin.authority} | _STANDARD_HEADERS | _lower(headers))

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
    """One response, fed as it arrives. Interim ones (1xx) before it are passed over.

    `begin(status)` is called at the end of the final header and returns who takes the body. Raises WireError where
    it is no HTTP, or encoded in a way this client did not ask for and cannot undo.
    """

    __slots__ = ("_begin", "_consume", "_inflate", "_keep_alive", "_parser", "_raw_headers", "complete", "status")

    def __init__(self, begin: Callable[["Response"], Consume]) -> None:
        self._begin = begin
        self._raw_headers: list[tuple[bytes, bytes]] = []
        self._consume: Consume | None = None
        self._inflate: zlib._Decompress | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.status: int | None = None
        """None until the header is complete."""
        self.complete = False
        self._keep_alive = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        if self.complete:
            raise WireError(Failure.NOT_HTTP)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError:
            raise WireError(Failure.NOT_HTTP) from None

    def end(self) -> bool:
        """The connection was closed in order; whether that ends the response in order too (RFC 9112, 6.3)."""
        if self.status is not None and not self.complete and not self._length_known:
            self.complete = True
        return self.complete

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

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return
        self.status = status
        self._consume = self._begin(self)
        encoding = self.header(b"content-encoding").strip().lower()
        if encoding not in (b"", b"identity"):
            self._inflate = _decompressor(encoding)

    def on_body(self, data: bytes) -> None:
        assert self._consume is not None
        self._consume(data if self._inflate is None else _inflated(self._inflate, data))

    def on_message_complete(self) -> None:
        if self.status is None:
            self._raw_headers.clear()
        else:
            self.complete = True
            self._keep_alive = self._parser.should_keep_alive()

    @property
    def _length_known(self) -> bool:
        return bool(self.header(b"content-length") or self.header(b"transfer-encoding")) or self.status in (204, 304)


def _decompressor(encoding: bytes) -> "zlib._Decompress":
    if encoding in (b"gzip", b"x-gzip"):
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    if encoding == b"deflate":
        return zlib.decompressobj()
    raise WireError(Failure.ENCODING)


def _inflated(inflate: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return inflate.decompress(data)
    except zlib.error:
        raise WireError(Failure.ENCODING) from None
