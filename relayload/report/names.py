"""A list of names, each with a line that says what it is."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen


def render_names(names: Iterable[tuple[str, str]], screen: Screen = PLAIN) -> str:
    """The names on the left, whole; what there is to say of each on the right, on as many lines as it takes."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, told in names:
        table.add_row(Text(name), Text(told))
    return printed([table], screen)
