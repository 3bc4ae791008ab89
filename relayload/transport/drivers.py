"""The transport that a profile's `driver:` names."""

from relayload.transport import Transport
from relayload.transport.native import NativeTransport


def new_transport(driver: str, base_url: str, api_key: str) -> Transport:
    """A transport to one target. `driver` is `native`."""
    assert driver == "native", driver
    return NativeTransport(base_url, api_key)
