"""Renders a list of names, each with a description."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen


def render_names(names: Iterable[tuple[str, str]], screen: Screen = PLAIN) -> str:
    """Render the names on the left, unbroken, and their descriptions on the right, folded."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, description in names:
        table.add_row(Text(name), Text(description))
    return printed([table], screen)
