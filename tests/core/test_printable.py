import pytest

from relayload.core.printable import cell, one_line


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


@pytest.mark.parametrize(
    ("text", "in_a_cell"),
    [
        ("chat-steady", "chat-steady"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "' =1+1"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_of_a_csv_is_no_formula(text: str, in_a_cell: str):
    assert cell(text) == in_a_cell
