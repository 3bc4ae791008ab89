import pytest

from relayload.transport.key_text import unfit_key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("Bearer sk-x", "leave out 'Bearer'"),
        ("bearer\tsk-x", "leave out 'Bearer'"),
        ("$(cat k)", "no shell runs the command in it"),
        ("$(<k)", "no shell runs the command in it"),
        ("`pass relay`", "no shell runs the command in it"),
        ("<your key>", "this is a placeholder"),
        ("[YOUR KEY]", "this is a placeholder"),
        ("my key", "holds a space"),
        ("sk-ключ", "holds a space, a line break or a letter beyond ASCII"),
        ("sk-x\n", "holds a space, a line break"),
    ],
)
def test_a_text_that_is_no_key_is_refused_with_what_to_write(text: str, told: str) -> None:
    wrong = unfit_key(text)
    assert wrong is not None
    assert wrong.startswith(told)


@pytest.mark.parametrize("text", ["sk-fake", "none", "Bearer", "$KEY", "$(KEY)", "eyJh.eyJz.c2ln", "{json}", "a+b/c=="])
def test_what_may_be_a_key_is_taken(text: str) -> None:
    assert unfit_key(text) is None
