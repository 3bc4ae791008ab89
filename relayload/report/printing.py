"""Renders rich's elements as text."""

import re
from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType

from relayload.report.screen import PLAIN, Screen

_COMMAND = re.compile(r"^\s*::|##(?=\[|vso\[)")
"""The beginning of a command to GitHub Actions (actions/runner, ActionCommand) or Azure Pipelines."""

DASH = "–"
"""A number that is not there."""


def printed(parts: Iterable[RenderableType], screen: Screen = PLAIN) -> str:
    """Render the parts one below the other, without markup and without blanks at the ends of lines.

    No line begins with what a CI system that reads it takes for a command, wherever lines are broken.
    """
    console = Console(
        file=StringIO(),
        width=screen.width,
        force_terminal=screen.color,
        no_color=not screen.color,
        color_system="standard" if screen.color else None,
        markup=False,
        emoji=False,
    )
    for part in parts:
        console.print(part, highlight=False, crop=False)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] # it is the StringIO above
    return "\n".join(_COMMAND.sub(_harmless, line.rstrip()) for line in lines) + "\n"


def _harmless(command: re.Match[str]) -> str:
    return f"{command[0][:-1]} {command[0][-1]}"
