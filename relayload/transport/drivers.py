"""The transport that a profile's `driver:` names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from relayload.core.errors import AuthorError, Fault
from relayload.core.wire.response_limits import ResponseLimits
from relayload.core.wire.stream import FinishReason
from relayload.transport import Transport
from relayload.transport.buffers import Buffers
from relayload.transport.credentials import HEADER_NAME, SET_BY_THE_DRIVER
from relayload.transport.http_log import HttpLog
from relayload.transport.native import NativeTransport

DRIVERS = ("native", "openai")


class Options(TypedDict, total=False):
    """The options that both drivers take; NativeTransport describes them."""

    verify: bool
    ca_file: str | Path | None
    client_cert: str | Path | None
    headers: Mapping[str, str] | None
    max_connections: int | None
    api_key_header: str | None
    accept_encoding: str | None
    limits: ResponseLimits
    buffers: Buffers
    finish_reason: FinishReason
    http_log: HttpLog | None
    hidden: Sequence[str]


def prepare(driver: str) -> None:
    """Load what a driver needs before the run starts: the SDK takes a second or two."""
    if driver == "openai":
        from relayload.transport import sdk

        sdk.prepare()


def new_transport(driver: str, base_url: str, api_key: str, **options: Unpack[Options]) -> Transport:
    """Return a transport to one target; `driver` is one of DRIVERS. Raises AuthorError for unusable options."""
    _check_headers({"api_key": api_key, **(options.get("headers") or {})})
    _check_name(options.get("api_key_header"))
    if driver == "openai":
        from relayload.transport.sdk import SdkTransport  # slow to import

        return SdkTransport(base_url, api_key, **options)
    assert driver == "native", driver
    return NativeTransport(base_url, api_key, **options)


def _check_headers(values: Mapping[str, str]) -> None:
    """Check header values without repeating them: they may be secrets, and an encoding error later would show them."""
    unfit = [name for name, value in values.items() if not value.isascii() or not value.isprintable()]
    if unfit:
        raise AuthorError(
            [Fault("holds a line break or a letter beyond ASCII, which no header can", name) for name in unfit]
        )


def _check_name(api_key_header: str | None) -> None:
    if api_key_header is None:
        return
    if not HEADER_NAME.fullmatch(api_key_header):
        raise AuthorError([Fault(f"expected the name of a header, got {api_key_header!r}", "api_key_header")])
    if api_key_header.lower() in SET_BY_THE_DRIVER:
        raise AuthorError([Fault(f"'{api_key_header}' is set by the driver", "api_key_header")])
