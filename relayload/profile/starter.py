"""Starters: commented profiles for each kind of relay, and copies of ready profiles."""

import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from relayload.core.errors import AuthorError, Fault
from relayload.document.validation import nearest
from relayload.profile import ready_profiles
from relayload.profile.schema import TITLE, schema_text

DEFAULT = "fake"
SCHEMA_NAME = "relayload.schema.json"
"""The schema beside a starter, which its first line names for editors."""
_STARTERS = ("fake", "holysheep", "litellm", "openai", "vllm")
_MODELINE = re.compile(r"^(# yaml-language-server: \$schema=).*$", re.MULTILINE)


def starter(kind: str = DEFAULT) -> str:
    """Return the text of a starter, or of the ready profile of that name."""
    if kind not in _STARTERS:
        return ready_profiles.text(kind)
    return (files("relayload.profile") / "starters" / f"{kind}.yaml").read_text(encoding="utf-8")


def kinds() -> list[str]:
    """Return what a profile may begin with: relays that have a starter, and ready profiles."""
    return sorted({*_STARTERS, *ready_profiles.names()})


def write_starter(path: Path, kind: str = DEFAULT) -> list[Path]:
    """Write a starter and the schema beside it; return the files written. Raises AuthorError if the file exists."""
    if kind not in kinds():
        raise AuthorError([Fault(f"there is no '{kind}' to begin with{nearest(kind, kinds())}", "--from")])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_as_own(starter(kind), kind, path))
        return [path, *_schema_beside(path)]
    except OSError as error:
        taken = isinstance(error, FileExistsError) and path.exists()
        message = "already exists: choose another name" if taken else f"can't be written: {error.strerror}"
        raise AuthorError([Fault(message, file=str(path))]) from None


def _as_own(text: str, kind: str, path: Path) -> str:
    """Adapt a copy: its commands name the copy, and its first line names the schema beside it."""
    commands = re.compile(rf"(relayload [a-z]+ )(FILE|{kind})(?=\s)")
    own = commands.sub(lambda found: found[1] + shlex.quote(str(path)), text)
    return _MODELINE.sub(rf"\g<1>{SCHEMA_NAME}", own)


def _schema_beside(path: Path) -> Iterator[Path]:
    schema = path.with_name(SCHEMA_NAME)
    if not schema.exists() or TITLE in schema.read_text(encoding="utf-8", errors="replace")[:200]:
        schema.write_text(schema_text(), encoding="utf-8")
        yield schema
