"""Addresses of a host, remembered for a while, the one that worked last before the others."""

import socket

from gevent import get_hub, monkey

from relayload import clock
from relayload.transport.origin import is_loopback

Place = tuple[str, int] | tuple[str, int, int, int]
Address = tuple[socket.AddressFamily, Place]
"""Family and socket address."""
Found = tuple[socket.AddressFamily, int, int, str, Place]
"""As getaddrinfo returns them."""

REMEMBERED_S = 30.0
"""How long before a name is looked up anew, so that moved relays are followed without a lookup per connection."""

_lookup_at_once = monkey.get_original("socket", "getaddrinfo")


def lookup(host: str, port: int, **options: int) -> list[Found]:
    """As socket.getaddrinfo, without holding up other greenlets."""
    found: list[Found] = get_hub().resolver.getaddrinfo(host, port, **options)
    return found


class ForeignAddress(OSError):
    """The name of this machine leads to another: load that was meant to stay here would not."""


class Addresses:
    """Of one host and port. Where the host is this machine, addresses of another are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: list[Address] = []
        self._fresh_until_s = 0.0

    def find(self) -> tuple[list[Address], float | None]:
        """The addresses in the order to try them, and the seconds the lookup took: None if there was none.

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
        """This one worked: try it first from now on."""
        if address in self._known and self._known[0] != address:
            self._known.remove(address)
            self._known.insert(0, address)

    def _literal(self) -> list[Address]:
        """The address, where the host is one and needs no lookup."""
        try:
            found = _lookup_at_once(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            )
        except socket.gaierror:
            return []
        return _addresses(found)


def _guarded(host: str, found: list[Found]) -> list[Address]:
    addresses = _addresses(found)
    if is_loopback(host) and not all(is_loopback(place[0]) for _, place in addresses):
        raise ForeignAddress(f"'{host}' leads to another machine")
    return addresses


def _addresses(found: list[Found]) -> list[Address]:
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))
