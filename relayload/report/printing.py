"""From what rich can draw to text, 80 columns wide."""

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType

WIDTH = 80


def printed(parts: Iterable[RenderableType], *, color: bool = False) -> str:
    """The parts, one below the other, without blanks at the ends of lines. Text stands for itself, and is no markup."""
    console = Console(
        file=StringIO(),
        width=WIDTH,
        force_terminal=color,
        color_system="standard" if color else None,
        markup=False,
        emoji=False,
    )
    for part in parts:
        console.print(part, highlight=False)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] # it is the StringIO above
    return "\n".join(line.rstrip() for line in lines) + "\n"
