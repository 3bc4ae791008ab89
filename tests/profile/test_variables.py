import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.document import parse
from relayload.profile.variables import expand, expanded, redacted, unencodable

ENVIRON = {"HOST": "relay", "EMPTY": "", "ODD": "a: ${env:HOST} }"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${env:HOST}", "relay"),
        ("http://${env:HOST}:${env:PORT:-80}/v1", "http://relay:80/v1"),
        ("${env:NONE:-}", ""),
        ("${env:NONE:-a:-b}", "a:-b"),
        ("${env:EMPTY}", ""),
        ("${env:EMPTY:-filled}", "filled"),
        ("${env:ODD}", "a: ${env:HOST} }"),
        ("$${env:HOST} costs $5", "${env:HOST} costs $5"),
    ],
)
def test_variables_are_put_in_place_once(text, value):
    assert expand(text, ENVIRON) == value


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(ValueError, match=r"^the environment variable NONE is not set: set it, or write \$\{env:NONE:-"):
        expand("${env:NONE}", ENVIRON)


@pytest.mark.parametrize("text", ["${HOST}", "${env:HOST", "${env:}", "${file:key}", "${env:2X}", "${}", "${env:A-B}"])
def test_another_reference_is_a_fault_that_does_not_repeat_it(text):
    with pytest.raises(ValueError, match=r"^expected '\$\{env:NAME\}' or '\$\{env:NAME:-default\}'; write '\$\$\{'"):
        expand(text, ENVIRON)


@given(st.text(alphabet="${}env:-A \n"))
def test_any_text_is_expanded_or_refused(text):
    said = ""
    try:
        expand(text, {"A": "x"})
    except ValueError as error:
        said = str(error)
    assert not said or "expected" in said or "not set" in said


def test_only_values_are_expanded_and_every_fault_has_its_place():
    document = expanded(parse("${env:HOST}: [1, '${env:HOST}']\nb: '${env:X}'\nc: '${env:Y}'\n", "p.yaml"), ENVIRON)
    assert document.data["${env:HOST}"] == [1, "relay"]
    assert [str(fault)[:40] for fault in document.faults] == [
        "p.yaml:2:4: b: the environment variable ",
        "p.yaml:3:4: c: the environment variable ",
    ]


def test_the_variable_of_the_key_may_stand_nowhere_else():
    text = "name: run of ${env:KEY}\ntarget:\n  api_key: ${env:KEY}\n  base_url: http://${env:HOST}/${env:KEY:-v1}\n"
    document = expanded(parse(text, "p.yaml"), {"KEY": "sk-hidden", "HOST": "localhost"})
    assert [str(fault) for fault in document.faults] == [
        "p.yaml:1:7: name: KEY holds the key of the target: it may stand in target.api_key alone",
        "p.yaml:4:13: target.base_url: KEY holds the key of the target: it may stand in target.api_key alone",
    ]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"target": {"api_key": "sk-hidden", "base_url": "x"}}, {"target": {"api_key": "***", "base_url": "x"}}),
        ({"target": {"base_url": "x"}}, {"target": {"base_url": "x"}}),
        ({"name": "p"}, {"name": "p"}),
    ],
)
def test_a_redacted_copy_hides_the_key(content, shown):
    assert redacted(content) == shown


def test_half_a_character_is_a_fault_of_its_own():
    document = parse('a: "\\ud83d"\n"\\ud83d": 1\nb: "\\U0001f600"\n', "p.yaml")
    assert [str(fault) for fault in unencodable(document)] == [
        "p.yaml:1:1: holds half a character, which no UTF-8 text can",
        "p.yaml:1:4: a: holds half a character, which no UTF-8 text can",
    ]
