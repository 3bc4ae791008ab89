import pytest

from relayload.transport.no_proxy import exempt
from relayload.transport.origin import Origin


@pytest.mark.parametrize(
    ("no_proxy", "inside", "outside"),
    [
        ("10.0.0.0/8", ["10.1.2.3", "::ffff:10.1.2.3"], ["11.0.0.1", "10.example", "fd00::1"]),
        ("10.1.2.3/8", ["10.200.0.1"], ["11.0.0.1"]),
        ("fd00::/8", ["fd12:3456::1", "FD00::9"], ["fe80::1", "10.0.0.1"]),
        ("[fd00::]/8", [], ["fd12::1"]),
        ("192.0.2.7", ["192.0.2.7"], ["192.0.2.70", "192.0.2.1"]),
        ("fd00:0:0::1", ["fd00::1"], ["fd00::2"]),
        ("[fd00::1]", ["fd00::1"], ["fd00::2"]),
        ("[fd00::1]:8000", ["fd00::1"], []),
        ("[fd00::1]:8001", [], ["fd00::1"]),
        ("fe80::/10", ["fe80::1%eth0"], []),
        ("relay.example:8000", ["relay.example"], ["relay2.example"]),
        ("relay.example:8001", [], ["relay.example"]),
        ("10.0.0.1:8000", ["10.0.0.1"], ["10.0.0.2"]),
        ("10.0.0.1:8001", [], ["10.0.0.1"]),
        ("Example", ["example", "relay.EXAMPLE", "relay.example."], ["counterexample"]),
        (".example", ["example", "a.b.example"], ["counterexample"]),
        ("*.example.", ["a.example"], ["counterexample"]),
        ("*", ["relay.example", "10.0.0.1", "fd00::1"], []),
        (" a ,\tb  c ", ["a", "b", "c"], ["d"]),
        ("localhost,10.0.0.0/8", ["10.1.2.3"], ["192.0.2.1"]),
        ("10.0.0.0/99, /8, :8000, [, ., ,", [], ["10.0.0.1", "relay.example", "fd00::1"]),
        (f"relay.example:{'9' * 5000}, [::1]:{'9' * 5000}", [], ["relay.example", "::1"]),
        ("", [], ["relay.example", "10.0.0.1"]),
    ],
)
def test_names_addresses_and_ranges_are_asked_without_a_proxy(no_proxy, inside, outside):
    hosts = {host: exempt(Origin("http", host, 8000), no_proxy) for host in [*inside, *outside]}
    assert hosts == dict.fromkeys(inside, True) | dict.fromkeys(outside, False)
