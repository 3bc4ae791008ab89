"""What verbs share that make several runs and write one result: their directory, what they tell, and the file."""

from pathlib import Path
from typing import TYPE_CHECKING

from relayload.core.errors import AuthorError, Fault
from relayload.verbs.arguments import write_text

if TYPE_CHECKING:
    from msgspec import Struct

    from relayload.core.model.progress import Progress
    from relayload.report.live import LiveDisplay


def check_empty(directory: Path) -> None:
    """Raise AuthorError unless the directory is empty, or does not exist."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise AuthorError([Fault("is not an empty directory: name another", file=str(directory))])


def write_json(path: Path, value: "Struct") -> None:
    """Write a result to a file that people may read. Raises AuthorError if it can't be written."""
    import msgspec

    write_text(path, msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


class Told:
    """Tells of a measurement on stderr."""

    def __init__(self, display: "LiveDisplay") -> None:
        self._display = display

    def say(self, line: str) -> None:
        self._display.say(line)

    def watch(self, progress: "Progress | None") -> None:
        self._display.show(progress)
