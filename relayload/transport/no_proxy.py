"""Reads `NO_PROXY`, the targets reached without a proxy, as curl, Go and the Kubernetes tools do."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from relayload.transport.origin import Origin

_EVERYTHING = "*"
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::(\d{1,5}))?")
_WITH_PORT = re.compile(r"([^:]*):(\d{1,5})")

Address = IPv4Address | IPv6Address


def exempt(target: Origin, no_proxy: str) -> bool:
    """Return whether a list of names, addresses and ranges, each with an optional port, contains the target.

    A name includes its subdomains, with or without a leading dot. Unreadable entries exempt nothing.
    """
    entries = no_proxy.lower().replace(",", " ").split()
    return any(entry == _EVERYTHING or _fits(target, entry) for entry in entries)


def _fits(target: Origin, entry: str) -> bool:
    host, port = _parts(entry)
    if port is not None and port != target.port:
        return False
    address = _address(target.host)
    return _is_or_is_below(target.host, host) if address is None else _holds(host, address)


def _parts(entry: str) -> tuple[str, int | None]:
    """Split an entry into host and port: `[::1]:8000` and `relay:8000` have a port, `::1` has none."""
    match = _BRACKETED.fullmatch(entry) or _WITH_PORT.fullmatch(entry)
    return (match[1], int(match[2]) if match[2] else None) if match else (entry, None)


def _is_or_is_below(host: str, name: str) -> bool:
    name = name.removeprefix("*").strip(".")
    return bool(name) and f".{host.lower().rstrip('.')}".endswith(f".{name}")


def _holds(entry: str, address: Address) -> bool:
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        return False
    return address in network


def _address(host: str) -> Address | None:
    """Parse an address, or return None. An IPv4-mapped IPv6 address becomes its IPv4 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
