import pytest

from relayload.core.printable import one_line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("as it is: naïve, 中文, 😀", "as it is: naïve, 中文, 😀"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\n::error::pwn\r\tb", "a ::error::pwn  b"),
        ("\x9b2J\x7f\x85", "\\x9b2J\\x7f "),
        ("\u202eevil\u2066\u2028", "\\u202eevil\\u2066 "),
        ("half \ud83d", "half \\ud83d"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("", ""),
    ],
)
def test_text_is_told_in_one_line_and_nothing_in_it_acts(text, told):
    assert one_line(text) == told


def test_a_long_text_is_cut():
    assert one_line("x" * 50, longest=10) == "x" * 10 + "…"
