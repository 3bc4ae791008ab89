import pytest
from pydantic import ValidationError

from relayload.core.resilience.guard import FusePolicy
from relayload.profile.guardrails import Guardrails
from relayload.profile.target import Target

HERE, ELSEWHERE = Target(base_url="http://localhost:1/v1"), Target(base_url="https://relay.test/v1")


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("fake://o-series", [], True),
        ("http://localhost:1/v1", [], True),
        ("http://relay.test/v1", [], False),
        ("http://relay.test/v1", ["relay.test"], True),
        ("http://RELAY.test/v1", ["Relay.TEST"], True),
        ("http://sub.relay.test/v1", ["relay.test"], False),
        ("http://[2001:db8::1]/v1", ["2001:db8::1"], True),
    ],
)
def test_load_goes_to_this_machine_and_to_the_hosts_that_are_allowed(url, hosts, allowed):
    assert Guardrails(allow_hosts=hosts).allow(Target(base_url=url)) is allowed


@pytest.mark.parametrize("host", ["https://relay.test", "relay.test:443", "relay.test/v1", "*", ""])
def test_an_allowed_host_is_a_host_alone(host):
    with pytest.raises(ValidationError, match="expected a host alone, without scheme, port or path, got"):
        Guardrails(allow_hosts=[host])


def test_a_fuse_watches_targets_elsewhere_without_a_word():
    assert Guardrails().fuse_for(ELSEWHERE) == FusePolicy(20, 0.5, 30.0, 50)
    assert Guardrails().fuse_for(HERE) is None
    assert Guardrails().fuse_for(Target()) is None


def test_a_fuse_that_is_written_watches_every_target():
    guardrails = Guardrails.model_validate({"fuse": {"auth_failures": None, "errors": "20%", "over": "1m"}})
    for target in (HERE, ELSEWHERE):
        assert guardrails.fuse_for(target) == FusePolicy(None, 0.2, 60.0, 50)


def test_only_targets_elsewhere_lack_bounds():
    assert Guardrails().lacking(HERE) == {}
    assert list(Guardrails().lacking(ELSEWHERE)) == ["max_requests", "max_duration", "max_usd"]
    given = Guardrails.model_validate({"max_requests": 1, "max_duration": "1s", "max_usd": 0})
    assert given.lacking(ELSEWHERE) == {}
