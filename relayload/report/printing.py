"""From what rich can draw to text for a screen."""

import re
from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType

from relayload.report.screen import PLAIN, Screen

_COMMAND = re.compile(r"^\s*::|##(?=\[|vso\[)")
"""What GitHub Actions (actions/runner, ActionCommand) and Azure Pipelines take for the beginning of a command."""


def printed(parts: Iterable[RenderableType], screen: Screen = PLAIN) -> str:
    """The parts, one below the other, without blanks at the ends of lines. Text stands for itself, and is no markup.

    Nor is it a command to a CI system that reads along, wherever a line of it happens to be broken.
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
    return "\n".join(_COMMAND.sub(_told, line.rstrip()) for line in lines) + "\n"


def _told(command: re.Match[str]) -> str:
    return f"{command[0][:-1]} {command[0][-1]}"
