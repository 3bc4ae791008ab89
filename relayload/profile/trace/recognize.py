"""Tells the format of a trace file by the names of its columns."""

import csv
from pathlib import Path

import msgspec

from relayload.profile.trace.files import fault, opened
from relayload.profile.trace.layout import FORMATS
from relayload.profile.trace.options import Trace

_LONGEST_LINE = 1 << 20


def recognized(path: Path) -> Trace:
    """Return a trace with all rows of a file, each at its own time.

    Raises AuthorError if the file can't be read, or is of no format with known columns.
    """
    with opened(path) as lines:
        first = lines.readline(_LONGEST_LINE)
    names, is_json = _names(first)
    for name, layout in FORMATS.items():
        needed = {column for field, column in layout.columns.items() if field not in layout.optional}
        if layout.lines is is_json and needed <= names:
            return Trace.model_validate({"trace": str(path), "format": name})
    known = ", ".join(FORMATS)
    raise fault(
        path, f"is no trace of {known}: for other columns name a profile whose load.arrivals describe them", 1, 1
    )


def _names(line: str) -> tuple[set[str], bool]:
    """Return the names of the columns, and whether the line is a JSON object."""
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        row = None
    if isinstance(row, dict):
        return set(row), True
    return {name.strip() for name in next(csv.reader([line]), [])}, False
