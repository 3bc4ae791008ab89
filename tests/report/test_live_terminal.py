"""The display of a run as a terminal gets it, and as a log does."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

_SHOWN = [sys.executable, str(Path(__file__).parents[1] / "live_in_a_terminal.py")]
_UP = re.compile(rb"\x1b\[1A")
_COLOURS = re.compile(rb"\x1b\[[0-9;]*3[0-7][0-9;]*m")


def _terminal(width: int, height: int, **environ: str) -> bytes:
    """What a terminal of that size gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "CI")}
    run = subprocess.Popen(
        [*_SHOWN, "4"], stdin=theirs, stdout=theirs, stderr=theirs, env={**known, "TERM": "xterm", **environ}
    )
    os.close(theirs)
    told = b""
    try:
        while piece := os.read(ours, 65536):
            told += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert run.wait() == 0, told
    return told


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 15), (120, 40), (40, 8)])
def test_a_screen_is_drawn_over_and_never_scrolls(width: int, height: int):
    told = _terminal(width, height)
    pictures = re.findall(rb"night .*?(?=\x1b\[2K)", told, re.DOTALL)
    assert pictures
    for picture in pictures:
        assert picture.count(b"\n") < height
    assert len(_UP.findall(told)) >= 3 * min(height - 2, 8), "each picture replaces the one before"
    lines = [line.decode() for line in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", told).split(b"\r\n")]
    assert max(len(line.rpartition("\r")[2]) for line in lines) <= width
    for second in range(4):
        assert f"a line of the log {second}" in "\n".join(lines)


def test_no_color_is_heeded():
    assert _COLOURS.search(_terminal(80, 24))
    assert not _COLOURS.search(_terminal(80, 24, NO_COLOR="1"))


def test_a_log_gets_a_line_every_few_seconds_with_the_failures_and_the_objectives():
    told = subprocess.run([*_SHOWN, "2"], capture_output=True, text=True, check=True, encoding="utf-8").stderr
    rest = (
        "in flight 17 · ok 371 · failed 12 · dropped 3 · failed: 8 rate_limited (http_429) · 4 timed_out · would be "
        "INVALID · objectives: 1 broken so far (latency.p99 < 1s), 1 undecided, 1 pass so far"
    )
    assert told.splitlines() == [
        f"night: 0s/1m3s · offered 0 · {rest}",
        "a line of the log 0",
        f"night: 5s/1m3s · offered 100 · {rest}",
        "a line of the log 1",
    ]
