"""Ready profiles, which run by name from anywhere: `relayload run spike`.

They are the files in the repository's `profiles/`. A wheel contains them, beside the locustfile and the schema and laid
out as in the repository; a clone and an editable install use the repository's own folders.
"""

import errno
import os
import re
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from relayload.core.errors import AuthorError, Fault

_PACKAGE = Path(__file__).parents[1]
_IN_A_WHEEL = _PACKAGE / "ready"
_SUFFIXES = ("", ".yaml", ".yml")
_TITLE = re.compile(r"^# (?!yaml-language-server)(?P<title>.+)$", re.MULTILINE)
_NEEDED = re.compile(r"\$\{env:(?P<name>\w+)(:\?[^{}]*)?\}")


@dataclass(frozen=True, slots=True)
class Ready:
    """A ready profile. `needs` names the environment variables that it can't run without."""

    name: str
    title: str
    needs: tuple[str, ...]
    file: str


def listed() -> list[Ready]:
    """Return all ready profiles by name."""
    return [_read(path) for path in sorted(_folder().glob("*.yaml"))]


def names() -> list[str]:
    """Return the names of all ready profiles."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def text(name: str) -> str:
    """Return a ready profile as it is written."""
    return _path(name).read_text(encoding="utf-8")


def locustfile() -> Path:
    """Return the path of the locustfile for `locust -f`."""
    return _root() / "locustfiles" / "relay.py"


def find(written: Path, folder: Path = Path()) -> Path:
    """Return the path that a name stands for, relative to that folder: a file of that name, or else a ready profile.

    A file `spike` or `spike.yaml` goes before the ready profile `spike`. Raises AuthorError if there is neither.
    """
    named = written.name if len(written.parts) == 1 else ""
    for suffix in _SUFFIXES if named and not written.suffix else ("",):
        candidate = written.with_name(written.name + suffix) if suffix else written
        if _is_there(folder / candidate, or_a_folder=not _path(named).is_file()):
            return candidate
    if named and _path(named).is_file():
        return _path(named)
    message = f"cannot be read: {os.strerror(errno.ENOENT)}{_suggestion(folder / written)}"
    raise AuthorError([Fault(message, file=str(folder / written))])


def _root() -> Path:
    return _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent


def _folder() -> Path:
    return _root() / "profiles"


def _path(name: str) -> Path:
    return _folder() / f"{name}.yaml"


def _is_there(path: Path, *, or_a_folder: bool) -> bool:
    """Return whether the path exists. An error other than that it is missing counts too, as the reader explains it."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode) or or_a_folder
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _suggestion(path: Path) -> str:
    """Return a hint at a similar name, of a file beside it or of a ready profile."""
    beside = {file.stem: file for suffix in _SUFFIXES[1:] for file in path.parent.glob(f"*{suffix}")}
    if near := get_close_matches(path.stem, beside, n=1):
        return f"; did you mean '{beside[near[0]]}'?"
    if near := get_close_matches(path.stem, names(), n=1):
        return f"; did you mean the ready profile '{near[0]}'?"
    return "; `relayload profiles` lists the ready ones, `relayload init` writes one"


def _read(path: Path) -> Ready:
    content = path.read_text(encoding="utf-8")
    title = _TITLE.search(content)
    needs = dict.fromkeys(match["name"] for match in _NEEDED.finditer(content))
    return Ready(path.stem, title["title"] if title else "", tuple(needs), str(path))
