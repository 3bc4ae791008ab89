"""What a report is drawn on: its width, and whether it shows colours."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TextIO

WIDTH = 80
"""The width if nothing sets one, as in a pipe or a file."""
LEAST_WIDTH = 40
_DUMB = ("dumb", "unknown")


@dataclass(frozen=True, slots=True)
class Screen:
    """A width in characters, and whether colours are shown."""

    width: int = WIDTH
    color: bool = False

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str] | None = None) -> Self:
        """Return the screen of a stream, by its kind and by COLUMNS, NO_COLOR, FORCE_COLOR and TERM.

        NO_COLOR goes before FORCE_COLOR, as in Python's own output. Sources: no-color.org, force-color.org.
        """
        environ = os.environ if environ is None else environ
        on_terminal = stream.isatty()
        return cls(max(LEAST_WIDTH, _width(stream, environ, on_terminal)), _color(environ, on_terminal))


PLAIN = Screen()
"""Text without colours, 80 columns wide."""


def _width(stream: TextIO, environ: Mapping[str, str], on_terminal: bool) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:9]) > 0:
        return int(columns[:9])
    try:
        return (os.get_terminal_size(stream.fileno()).columns if on_terminal else 0) or WIDTH
    except (OSError, ValueError):  # not really a terminal
        return WIDTH


def _color(environ: Mapping[str, str], on_terminal: bool) -> bool:
    if environ.get("NO_COLOR"):
        return False
    if forced := environ.get("FORCE_COLOR"):
        return forced not in ("0", "false")
    return on_terminal and environ.get("TERM", "").lower() not in _DUMB
