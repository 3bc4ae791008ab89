import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.document import parse
from relayload.profile.variables import expand, expanded, references, unencodable

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


@pytest.mark.parametrize("name", ["NONE", "EMPTY"])
def test_a_variable_that_must_be_set_says_what_to_set_it_to(name):
    with pytest.raises(ValueError, match=rf"^the environment variable {name} is not set: fetch it: https://a.b/c$"):
        expand(f"${{env:{name}:?fetch it: https://a.b/c}}", ENVIRON)
    assert expand("${env:HOST:?fetch it}", ENVIRON) == "relay"


def test_what_a_text_refers_to_is_named_without_default_and_hint():
    text = "${env:A}${env:B:-b:?}${env:C:?c:-}${file:d/e}$${env:F}"
    assert references(text) == {"env:A", "env:B", "env:C", "file:d/e"}


@pytest.mark.parametrize("text", ["${HOST}", "${env:HOST", "${env:}", "${env:2X}", "${}", "${env:A-B}"])
def test_another_reference_is_a_fault_that_does_not_repeat_it(text):
    with pytest.raises(ValueError, match=r"^expected '\$\{env:NAME\}', .* or '\$\{file:PATH\}'; write"):
        expand(text, ENVIRON)


@given(st.text(alphabet="${}env:-?A \n"))
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


def test_half_a_character_is_a_fault_of_its_own():
    document = parse('a: "\\ud83d"\n"\\ud83d": 1\nb: "\\U0001f600"\n', "p.yaml")
    assert [str(fault) for fault in unencodable(document)] == [
        "p.yaml:1:1: holds half a character, which no UTF-8 text can",
        "p.yaml:1:4: a: holds half a character, which no UTF-8 text can",
    ]


@pytest.fixture
def key_file(tmp_path):
    (tmp_path / "key").write_text("  sk-of-a-file\n")
    return tmp_path


def test_a_file_is_put_in_place_without_the_space_around_it(key_file):
    assert expand("${file:key}", {}, key_file) == "sk-of-a-file"
    assert expand(f"${{file:{key_file}/key}}", {}, key_file / "elsewhere") == "sk-of-a-file"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_mark_of_a_file_is_no_part_of_its_secret(tmp_path, encoding):
    (tmp_path / "key").write_bytes("sk-of-a-file\r\n".encode(encoding))
    assert expand("${file:key}", {}, tmp_path) == "sk-of-a-file"


def test_a_file_belongs_where_secrets_do(key_file):
    with pytest.raises(ValueError, match=r"may stand in an api_key or a header alone"):
        expand("${file:key}", {})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "'k' can't be read: No such file or directory"),
        (b"\xff", "is no text"),
        (b"x" * 70_000, "is larger than 64 kB"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(tmp_path, content, said):
    if content is not None:
        (tmp_path / "k").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        expand("${file:k}", {}, tmp_path)


def test_a_secret_is_in_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "k")
    with pytest.raises(ValueError, match="'k' can't be read: it is not a regular file"):
        expand("${file:k}", {}, tmp_path)
