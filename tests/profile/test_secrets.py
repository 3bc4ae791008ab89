import pytest

from relayload.core.errors import Fault
from relayload.document import parse
from relayload.profile.secrets import concealed, in_arguments, misused, redacted, secret_locations

KEY = ("target", "api_key")


@pytest.mark.parametrize(
    ("text", "locations"),
    [
        ("target: {api_key: sk-1, base_url: x}", [("target", "api_key")]),
        (
            "targets: {a: {api_key: sk-1}, b: {api_key: sk-2}}",
            [("targets", "a", "api_key"), ("targets", "b", "api_key")],
        ),
        ("target: {headers: {X-Team: load, X-Api-Key: abc}}", [("target", "headers", "X-Api-Key")]),
        ("target: {headers: {X-Team: '${env:TEAM}'}}", [("target", "headers", "X-Team")]),
        ("scenarios: {s: {headers: {Cookie: abc}}}", [("scenarios", "s", "headers", "Cookie")]),
        ("name: token", []),
    ],
)
def test_secrets_are_keys_and_headers_that_may_hold_one(text, locations):
    assert list(secret_locations(parse(text, "p.yaml"))) == locations


def test_what_a_secret_refers_to_may_stand_nowhere_else():
    text = "name: run of ${env:KEY}\ntarget:\n  api_key: ${env:KEY}\n  base_url: http://${env:HOST}/${env:KEY:-v1}\n"
    document = parse(text, "p.yaml")
    assert [str(fault) for fault in misused(document, [KEY])] == [
        "p.yaml:1:7: name: KEY is part of a secret, an api_key or a header: it may stand nowhere else",
        "p.yaml:4:13: target.base_url: KEY is part of a secret, an api_key or a header: it may stand nowhere else",
    ]


def test_a_key_is_no_argument():
    text = "targets: {a: {api_key: sk-1, base_url: x}, b: {base_url: y}, c: {api_key: sk-3}}"
    document = parse(text, "p.yaml").override(["targets.b.api_key=sk-hidden", "targets.c.api_key=${env:KEY}"])
    (fault,) = in_arguments(document, secret_locations(document))
    assert str(fault).startswith("--set: targets.b.api_key: everybody on this machine can read arguments: write ${env")
    assert "sk-hidden" not in str(fault)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"target": {"api_key": "sk-hidden", "base_url": "x"}}, {"target": {"api_key": "***", "base_url": "x"}}),
        ({"target": {"base_url": "x"}}, {"target": {"base_url": "x"}}),
        ({"name": "p"}, {"name": "p"}),
    ],
)
def test_a_redacted_copy_hides_the_secrets(content, shown):
    assert redacted(content, [KEY]) == shown


def test_a_fault_does_not_repeat_a_secret():
    document = parse("target: {api_key: sk-hidden}", "p.yaml")
    (fault,) = concealed([Fault("expected x, got 'sk-hidden'")], [KEY], document)
    assert fault.message == "expected x, got '***'"
