import os
import pty
from io import StringIO
from termios import TIOCSWINSZ

import pytest

from relayload.report.screen import Screen


class _Terminal(StringIO):
    """A terminal that does not know how wide it is."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_for_terminals_and_for_those_who_ask(environ, on_terminal: bool, elsewhere: bool):
    assert Screen.of(_Terminal(), environ).color is on_terminal
    assert Screen.of(StringIO(), environ).color is elsewhere


@pytest.mark.parametrize(
    ("columns", "width"), [("120", 120), ("40", 40), ("8", 40), ("0", 80), ("", 80), ("wide", 80), ("-3", 80)]
)
def test_the_width_is_what_columns_says_if_that_is_one(columns: str, width: int):
    assert Screen.of(StringIO(), {"COLUMNS": columns}).width == width
    assert Screen.of(_Terminal(), {"COLUMNS": columns}).width == width


def test_a_terminal_is_as_wide_as_it_says():
    import fcntl
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 132, 0, 0))
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal:
        assert Screen.of(terminal, {}) == Screen(132, color=True)
