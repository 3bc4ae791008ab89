import pytest

from relayload.transport.redaction import Secrets

SECRETS = Secrets("my-own-key", ["Token hunter2hunter2", "eu"])


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Incorrect API key provided: my-own-key.", "Incorrect API key provided: ***."),
        ("no such token: hunter2hunter2 (Token hunter2hunter2)", "no such token: *** (***)"),
        ("upstream refused sk-proj-abcdef123 of ours", "upstream refused *** of ours"),
        ("Incorrect API key provided: sk-ab***xyz", "Incorrect API key provided: ***"),
        ("got 'Authorization: Bearer abcdefghij'", "got 'Authorization: Bearer ***"),
        ("the model `o33` does not exist in eu", "the model `o33` does not exist in eu"),
        ("ask-me-anything is no task-force", "ask-me-anything is no task-force"),
    ],
)
def test_what_a_relay_says_is_kept_without_secrets(said: str, kept: str):
    assert SECRETS.redacted(said) == kept


def test_what_a_relay_says_is_told_on_one_line():
    assert SECRETS.quoted("wrong:\r\n my-own-key\x1b[2J \ud800") == "wrong: *** [2J"


@pytest.mark.parametrize("key", ["", "o", "no"])
def test_a_key_that_is_none_hides_nothing(key: str):
    assert Secrets(key).redacted("no such model") == "no such model"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("stop", "stop"),
        ("chatcmpl-123", "chatcmpl-123"),
        ("Bearer my-own-key", "Bearer ***"),
        ("\x1b[2J\u202eid\n::error::x", "[2J id ::error::x"),
        ("i" * 3_000_000, "i" * 200),
        ("my-own-key " * 50, ("*** " * 50)[:199]),
        ("\x00\n", None),
        (None, None),
    ],
)
def test_names_that_a_relay_gives_are_short_and_hold_no_secret(name: str | None, kept: str | None):
    assert SECRETS.quoted_name(name) == kept
