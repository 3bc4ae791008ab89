"""Starters: commented profiles to begin with, one for each kind of relay."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from relayload.core.errors import AuthorError, Fault
from relayload.profile.schema import TITLE, schema_text

DEFAULT = "fake"
SCHEMA_NAME = "relayload.schema.json"
"""Lies beside a starter, whose first line names it for editors."""


def starter(kind: str = DEFAULT) -> str:
    """The text of a starter."""
    return (files("relayload.profile") / "starters" / f"{kind}.yaml").read_text(encoding="utf-8")


def write_starter(path: Path, kind: str = DEFAULT) -> list[Path]:
    """Write a starter, and the schema beside it; what was written. Raises AuthorError; overwrites no profile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(starter(kind))
        return [path, *_schema_beside(path)]
    except OSError as error:
        taken = isinstance(error, FileExistsError) and path.exists()
        message = (
            "is there already: name another file, or move it away" if taken else f"can't be written: {error.strerror}"
        )
        raise AuthorError([Fault(message, file=str(path))]) from None


def _schema_beside(path: Path) -> Iterator[Path]:
    schema = path.with_name(SCHEMA_NAME)
    if not schema.exists() or TITLE in schema.read_text(encoding="utf-8", errors="replace")[:200]:
        schema.write_text(schema_text(), encoding="utf-8")
        yield schema
