import socket

import pytest

from relayload import clock
from relayload.transport.resolve import REMEMBERED_S, Addresses, ForeignAddress

FIRST = (socket.AF_INET, ("127.0.0.1", 80))
SECOND = (socket.AF_INET, ("127.0.0.2", 80))


@pytest.fixture
def set_now(monkeypatch):
    return lambda now_s: monkeypatch.setattr(clock, "now_s", lambda: now_s)


def test_a_name_is_looked_up_anew_after_a_while(resolve_to, set_now):
    asked = resolve_to("127.0.0.1", "127.0.0.2")
    addresses = Addresses("relay.invalid", 80)
    set_now(100.0)
    assert addresses.find() == ([FIRST, SECOND], 0.0)
    set_now(100.0 + REMEMBERED_S - 0.001)
    assert addresses.find() == ([FIRST, SECOND], None)
    set_now(100.0 + REMEMBERED_S)
    assert addresses.find() == ([FIRST, SECOND], 0.0)
    assert asked == ["relay.invalid", "relay.invalid"]


def test_the_address_that_worked_comes_first(resolve_to):
    resolve_to("127.0.0.1", "127.0.0.2")
    addresses = Addresses("relay.invalid", 80)
    addresses.find()
    addresses.prefer(SECOND)
    assert addresses.find()[0] == [SECOND, FIRST]


@pytest.mark.parametrize(
    ("host", "family", "place"),
    [("127.0.0.1", socket.AF_INET, ("127.0.0.1", 80)), ("::1", socket.AF_INET6, ("::1", 80, 0, 0))],
)
def test_an_address_needs_no_lookup(resolve_to, host, family, place):
    asked = resolve_to()
    assert Addresses(host, 80).find() == ([(family, place)], None)
    assert asked == []


def test_localhost_is_looked_up_for_real():
    found, took_s = Addresses("localhost", 80).find()
    assert found
    assert took_s is not None


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["2001:db8::1"]])
def test_the_name_of_this_machine_may_not_lead_to_another(resolve_to, addresses):
    resolve_to(*addresses)
    with pytest.raises(ForeignAddress, match="'localhost' leads to another machine"):
        Addresses("localhost", 80).find()


def test_the_name_of_this_machine_may_lead_to_any_of_its_own_addresses(resolve_to):
    resolve_to("::1", "127.0.0.1")
    assert len(Addresses("localhost", 80).find()[0]) == 2


def test_other_names_may_lead_anywhere(resolve_to):
    resolve_to("10.0.0.1")
    assert Addresses("relay.invalid", 80).find()[0] == [(socket.AF_INET, ("10.0.0.1", 80))]
