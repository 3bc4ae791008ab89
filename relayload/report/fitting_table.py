"""Tables that fit the screen: if there is no room for all columns, whole ones are left out, and no number is cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

Cell = str | Text
_GAP, _NARROW_GAP = 2, 1
_SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers, aligned right and never broken, or of `words`, aligned left and folded if necessary."""

    heading: str
    words: bool = False
    least: int = 8
    """The width down to which words are folded."""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class FittingTable:
    """Rows of cells, drawn with as many columns as there is room for.

    Where room is short, gaps and words shrink first. Then the `optional` columns are left out, in this order, and a
    line below names them. Whatever is still too wide is drawn too wide.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    optional: Sequence[str] = ()
    """The headings of columns that may be left out, first ones first."""
    gap: int = _GAP
    legend: Mapping[str, str] = field(default_factory=dict)
    """The meaning of a column by its heading, printed below if the column is shown."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fitted = (
            next((one for one in self._choices() if one.least <= options.max_width), None) or [*self._choices()][-1]
        )
        room = max(options.max_width, fitted.least)
        yield from console.render(fitted.drawn(room), options.update(width=room))
        yield from (Text(line, style="dim") for line in self._notes(fitted))

    def _choices(self) -> "Iterator[_Fitted]":
        """Yield the tables from all columns to the fewest."""
        yield self._fitted((), self.gap)
        for count in range(len(self.optional) + 1):
            yield self._fitted(self.optional[:count], _NARROW_GAP)

    def _fitted(self, left_out: Sequence[str], gap: int) -> "_Fitted":
        kept = [place for place, column in enumerate(self.columns) if column.heading not in left_out]
        rows = [[_text(row[place]) for place in kept] for row in self.rows]
        return _Fitted([self.columns[place] for place in kept], rows, gap)

    def _notes(self, fitted: "_Fitted") -> Iterator[str]:
        shown = {column.heading for column in fitted.columns}
        yield from (line for heading, line in self.legend.items() if heading in shown)
        missing = [column.heading for column in self.columns if column.heading not in shown]
        if missing:
            yield f"not shown for lack of room: {', '.join(missing)}"


@dataclass(frozen=True, slots=True)
class _Fitted:
    columns: Sequence[Column]
    rows: Sequence[Sequence[Text]]
    gap: int

    @property
    def least(self) -> int:
        """The least width of the table."""
        return sum(map(self._least, range(len(self.columns)))) + self._gaps

    def drawn(self, room: int) -> RenderableType:
        table = Table(box=None, padding=(0, self.gap, 0, 0), show_edge=False, pad_edge=False, header_style="dim")
        for column, width in zip(self.columns, self._widths(room - self._gaps), strict=True):
            justify: Literal["left", "right"] = "left" if column.words else "right"
            table.add_column(column.heading, width=width, justify=justify, no_wrap=not column.words, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    @property
    def _gaps(self) -> int:
        return self.gap * (len(self.columns) - 1)

    def _widths(self, room: int) -> list[int]:
        """Return the natural widths, and take what is too much off the widest columns of words."""
        widths = [self._most(place) for place in range(len(self.columns))]
        while sum(widths) > room:
            spare = [width - self._least(place) for place, width in enumerate(widths)]
            if not any(spare):
                break
            widest = max((place for place, left in enumerate(spare) if left), key=widths.__getitem__)
            widths[widest] -= 1
        return widths

    def _most(self, place: int) -> int:
        column = self.columns[place]
        natural = max([Text(column.heading).cell_len, *(row[place].cell_len for row in self.rows)])
        return natural if column.most is None else min(natural, column.most)

    def _least(self, place: int) -> int:
        most, column = self._most(place), self.columns[place]
        return min(most, column.least) if column.words else most


def packed(text: str, room: int) -> str:
    """Break a line between its parts alone, so that no number is separated from its unit or name."""
    line_end = _SEPARATOR.rstrip()
    first, *rest = text.split(_SEPARATOR)
    lines = [first]
    for part in rest:
        longer = f"{lines[-1]}{_SEPARATOR}{part}"
        lines[-1:] = [longer] if cell_len(longer + line_end) <= room else [lines[-1], part]
    return f"{line_end}\n".join(lines)


def _text(cell: Cell) -> Text:
    return Text(cell) if isinstance(cell, str) else cell
