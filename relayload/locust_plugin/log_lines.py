"""Reads the log of a Locust that goes on, for whoever started it. Does not import Locust."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

_LOG_LINE = re.compile(r"\[\S+ (?P<time>[\d:]+),\d+\] \S+?/(?P<level>[A-Z]+)/(?P<logger>[\w.]+): (?P<message>.*)")


class Follower:
    """Reads the complete lines that a file has gained. `shown` returns what to print of a line, or None to skip it."""

    def __init__(self, path: Path, shown: Callable[[str], str | None] = str) -> None:
        self._path = path
        self._shown = shown
        self._read_bytes = 0

    def lines(self) -> Iterator[str]:
        """Yield the lines that were added since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                whole = file.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return
        if whole:
            self._read_bytes += len(whole) + 1
            yield from filter(None, map(self._shown, whole.decode("utf-8", "replace").split("\n")))


def step(line: str) -> str | None:
    """Shorten a line of the log to its time and message; return None for Locust's own steps and tables."""
    found = _LOG_LINE.fullmatch(line)
    if found is None or (found["level"] == "INFO" and found["logger"] != "relayload"):
        return None
    level = "" if found["level"] == "INFO" else f"{found['level'].lower()}: "
    return f"{found['time']} {level}{found['message']}"


def for_users(line: str) -> str | None:
    """Return the message of a line of the log that says where something is, or answers what a user did; else None."""
    found = _LOG_LINE.fullmatch(line)
    ours = ("metrics", "otlp: ", "page", "ending the load", "not waiting", "rate changed", "users changed")
    of_ours = found is not None and found["logger"] == "relayload" and found["message"].startswith(ours)
    return found["message"] if found is not None and of_ours else None
