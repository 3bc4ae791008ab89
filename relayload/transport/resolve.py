"""Addresses of a host, cached for a while. The one that worked last comes first."""

import socket

from gevent import get_hub, monkey

from relayload import clock
from relayload.transport.origin import is_loopback

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
Address = tuple[socket.AddressFamily, SocketAddress]
"""Family and socket address."""
AddressInfo = tuple[socket.AddressFamily, int, int, str, SocketAddress]
"""One result of getaddrinfo."""

REMEMBERED_S = 30.0
"""How long a lookup is cached: long enough to spare a lookup per connection, short enough to follow moved relays."""

_lookup_at_once = monkey.get_original("socket", "getaddrinfo")


def lookup(host: str, port: int, **options: int) -> list[AddressInfo]:
    """Call socket.getaddrinfo without blocking other greenlets."""
    found: list[AddressInfo] = get_hub().resolver.getaddrinfo(host, port, **options)
    return found


class ForeignAddress(OSError):
    """`localhost` resolves to another machine, which must not receive the load."""


class Addresses:
    """The addresses of one host and port. If the host is this machine, foreign addresses are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: list[Address] = []
        self._fresh_until_s = 0.0

    def find(self) -> tuple[list[Address], float | None]:
        """Return the addresses in the order to try them, and the seconds the lookup took, or None without a lookup.

        Raises socket.gaierror, and ForeignAddress.
        """
        now_s = clock.now_s()
        if self._known and now_s < self._fresh_until_s:
            return list(self._known), None
        literal = self._literal()
        if literal:
            self._known, self._fresh_until_s = literal, float("inf")
            return literal, None
        found = lookup(self._host, self._port, type=socket.SOCK_STREAM)
        done_s = clock.now_s()
        self._known, self._fresh_until_s = _guarded(self._host, found), done_s + REMEMBERED_S
        return list(self._known), done_s - now_s

    def prefer(self, address: Address) -> None:
        """Try this address, which worked, first from now on."""
        if address in self._known and self._known[0] != address:
            self._known.remove(address)
            self._known.insert(0, address)

    def _literal(self) -> list[Address]:
        """Return the address if the host is one and needs no lookup."""
        try:
            found = _lookup_at_once(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            )
        except socket.gaierror:
            return []
        return _addresses(found)


def _guarded(host: str, found: list[AddressInfo]) -> list[Address]:
    addresses = _addresses(found)
    if is_loopback(host) and not all(is_loopback(place[0]) for _, place in addresses):
        raise ForeignAddress(f"'{host}' leads to another machine")
    return addresses


def _addresses(found: list[AddressInfo]) -> list[Address]:
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))
