import os
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.engine.join_secret import VARIABLE, JoinSecret, random_secret, read

TEXT = "0123456789abcdef"


def test_a_file_and_the_variable_hold_the_same_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{TEXT}\n")
    environ = {VARIABLE: TEXT, "OTHER": "stays"}
    from_environ = read(None, environ)
    from_file = read(tmp_path / "secret", {})
    assert from_environ is not None
    assert from_file is not None
    assert from_environ.key(b"purpose") == from_file.key(b"purpose") == JoinSecret(TEXT.encode()).key(b"purpose")
    assert environ == {"OTHER": "stays"}, "no profile and no child sees it"


def test_without_either_there_is_none() -> None:
    assert read(None, {}) is None


def test_keys_differ_by_purpose_and_secret_and_print_nowhere() -> None:
    secret = JoinSecret(TEXT.encode())
    keys = {secret.key(b"a"), secret.key(b"b"), JoinSecret(b"x" + TEXT.encode()).key(b"a"), random_secret().key(b"a")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert f"{secret} {secret!r}" == "*** ***"


def test_keys_are_those_of_hkdf() -> None:
    """By `openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt key:0123456789abcdef -kdfopt salt:"relayload join"
    -kdfopt info:a HKDF`."""
    assert (
        JoinSecret(TEXT.encode()).key(b"a").hex() == "9cb7f8efedd47df612a60f8431f0000d5ba091655fd215be103435b959153446"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "has 0 bytes"),
        (b" \n\t", "has 0 bytes"),
        (b"0123456789abcde\n", "has 15 bytes, and needs 16"),
        (b"x" * 4097, "larger than 4 kB"),
    ],
)
def test_a_file_that_is_no_secret_is_refused_without_its_content(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(AuthorError) as caught:
        read(tmp_path / "secret", {})
    assert why in str(caught.value)
    assert "secret" in str(caught.value)
    assert "0123" not in str(caught.value)


def test_an_empty_variable_is_a_mistake_and_no_wish_for_none() -> None:
    with pytest.raises(AuthorError, match=f"{VARIABLE}: the join secret has 0 bytes"):
        read(None, {VARIABLE: ""})


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(TEXT)
    with pytest.raises(AuthorError, match="are both given"):
        read(tmp_path / "secret", {VARIABLE: TEXT})


@pytest.mark.parametrize("name", ["missing", ".", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AuthorError, match="--relay-secret-file: can't be read"):
        read(tmp_path / name, {})
