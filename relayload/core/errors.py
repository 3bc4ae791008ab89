"""Faults of the author of a profile or a command, reported all at once, each with its place."""

import re
from dataclasses import dataclass

from relayload.core.printable import one_line

_OBJECTIVE = re.compile(r"\bobjectives\.(\d+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, its place, and what to write instead.

    `line` and `column` count from 1; 0 means that the fault has no place in a file.
    """

    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return one_line(": ".join(part for part in (place, _counted(self.path), self.message) if part))


def _counted(path: str) -> str:
    """Return a path as in overrides, which count from 0, with the ordinal of the objective, as people count."""
    match = _OBJECTIVE.search(path)
    return path if match is None else f"{path} ({_ordinal(int(match[1]) + 1)} objective)"


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


class AuthorError(Exception):
    """The profile or the arguments are wrong; carries every fault found. Exit code 2."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))
