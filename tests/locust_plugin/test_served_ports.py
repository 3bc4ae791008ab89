"""Ports that a run wants to serve on, tried before it."""

import re
import socket

import pytest

from relayload.core.errors import AuthorError
from relayload.locust_plugin.options import Exports, MetricsOptions, WebOptions
from relayload.locust_plugin.served_ports import check_free, check_ports

TAKEN = "Address already in use; name another, or port 0 for any free one"


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_free_ports_are_left_free():
    for _ in range(2):
        check_ports(Exports(MetricsOptions(0)), WebOptions())
    check_ports(Exports(), None)


def test_a_port_that_is_taken_is_told_in_one_line(taken: int):
    for exports, web, what in (
        (Exports(), WebOptions(taken), "the page"),
        (Exports(MetricsOptions(taken)), None, "metrics"),
    ):
        with pytest.raises(AuthorError, match=f"^{what} can't be served on 127.0.0.1 port {taken}: {TAKEN}$"):
            check_ports(exports, web)


def test_two_can_not_have_one_port(port: int):
    with pytest.raises(AuthorError, match=f"^metrics can't be served on 127.0.0.1 port {port}: {TAKEN}$"):
        check_ports(Exports(MetricsOptions(port)), WebOptions(port))


def test_a_host_that_is_none_is_told():
    with pytest.raises(AuthorError, match=re.escape("metrics can't be served on no host port 0: ")) as told:
        check_ports(Exports(MetricsOptions(0, "no host")), None)
    assert "while attempting" not in str(told.value)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_an_address_of_ipv6_is_tried_as_one():
    with socket.socket(socket.AF_INET6) as own:
        try:
            own.bind(("::1", 0))
        except OSError:
            pytest.skip("this system has no loopback of IPv6")
    check_free([("the page", "::1", 0)])
