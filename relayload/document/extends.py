"""Documents that build on others: `extends: base.yaml`, or a list of files, the last of which has the last word.

Files are found from the one that names them. Mappings merge; everything else replaces what a base says. A null takes
away the key of a base, except where null itself is a value, such as a timeout without end. What a base says keeps its
place, so that a fault in it names the base's file and line, and its relative paths keep pointing where they did.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from relayload.core.errors import AuthorError, Fault
from relayload.document import source
from relayload.document.shape import Shape
from relayload.document.source import Document, Location, Place
from relayload.document.syntax import NOT_YAML

KEY = "extends"

_MOST_FILES = 100
"""Bases of bases can make a few files stand for millions."""
_QUOTED = re.compile(r"('(?:[\[\]{},]|- |-{3}|ttft[^']*)')|'[^']*'")
"""What a message on the syntax repeats of the text; the signs that it tells to write are in quotes, too."""
_FILE_REFERENCE = re.compile(r"(?<!\$)\$\{file:(?P<path>[^{}]+)\}")


Find = Callable[[Path, Path], Path]
"""The path of a file that is named somewhere, as from the folder of the file that names it."""


def _as_written(written: Path, _: Path) -> Path:
    return written


def load_extended(path: Path, shape: Shape, expand: Callable[[str], str], find: Find = _as_written) -> Document:
    """Read a file with all that it extends, without the key itself; `expand` puts variables of the names in place.

    `find` may know files by other names. Raises AuthorError where a file can't be read, or extends itself.
    """
    return _Family(shape, expand, find).read(path, ())


class _Family:
    """A document and its bases."""

    def __init__(self, shape: Shape, expand: Callable[[str], str], find: Find) -> None:
        self._shape = shape
        self._expand = expand
        self._find = find
        self._files = 0

    def read(self, path: Path, heirs: tuple[Path, ...]) -> Document:
        """That document, which those above it extend, on top of its bases."""
        written = source.load(path, pipe=not heirs)
        if not isinstance(written.data, dict) or KEY not in written.data:
            return written
        own = replace(written, data={key: value for key, value in written.data.items() if key != KEY})
        bases: list[Document] = []
        faults: list[Fault] = []
        for location, name in _names(written, faults):
            try:
                bases.append(self._base(written, location, name, (*heirs, path)))
            except AuthorError as error:
                faults += error.faults
        if faults:
            raise AuthorError(list(dict.fromkeys([*written.faults, *faults])))
        return self._on_top([*bases, own])

    def _base(self, heir: Document, location: Location, name: str, heirs: tuple[Path, ...]) -> Document:
        relative = self._found(heir, location, name, heirs[-1].parent)
        path = heirs[-1].parent / relative
        self._files += 1
        if self._files > _MOST_FILES:
            raise AuthorError([heir.fault(location, f"extends more than {_MOST_FILES} files")])
        if path.resolve() in [known.resolve() for known in heirs]:
            raise AuthorError([heir.fault(location, f"extends itself: {_chain(heirs, path)}")])
        try:
            base = self.read(path, heirs)
        except AuthorError as error:
            raise AuthorError([_placed(fault, heir, location) for fault in error.faults]) from None
        if not isinstance(base.data, dict):
            raise AuthorError([heir.fault(location, f"{path}: holds no mapping")])
        if base.data and not self._shape.keys(()).intersection(base.data):
            raise AuthorError([heir.fault(location, f"{path}: has none of the keys that may stand here")])
        return self._moved(base, relative.parent)

    def _found(self, heir: Document, location: Location, name: str, folder: Path) -> Path:
        try:
            return self._find(Path(_local(self._expand(name))), folder)
        except ValueError as error:
            raise AuthorError([heir.fault(location, str(error))]) from None
        except AuthorError as error:
            raise AuthorError([_placed(fault, heir, location) for fault in error.faults]) from None

    def _moved(self, base: Document, folder: Path) -> Document:
        """The base with relative paths as they are written from where its heir lies."""

        def move(location: Location, text: str) -> str:
            if self._shape.is_path(location) and text and "${" not in text:
                return str(folder / text)
            return _FILE_REFERENCE.sub(lambda match: _moved_reference(folder, match["path"]), text)

        return base.substitute(move)

    def _on_top(self, documents: list[Document]) -> Document:
        below, *others = documents
        for document in others:
            below = _Merge(below, document, self._shape).result()
        return below


def _names(written: Document, faults: list[Fault]) -> list[tuple[Location, str]]:
    """The files that a document names, each with its place."""
    value = written.data[KEY]
    listed = isinstance(value, list) and value
    entries = [((KEY, number), item) for number, item in enumerate(value)] if listed else [((KEY,), value)]
    names: list[tuple[Location, str]] = []
    for location, item in entries:
        if isinstance(item, str) and item.strip() and item.isprintable():
            names.append((location, item))
        else:
            faults.append(written.fault(location, "expected the path of a file such as 'base.yaml', or a list of them"))
    return names


def _local(name: str) -> str:
    if "://" in name:
        raise ValueError("expected a local file, not an address: fetch it first")
    return name


def _chain(heirs: tuple[Path, ...], path: Path) -> str:
    return " extends ".join(map(str, (*heirs, path)))


def _placed(fault: Fault, heir: Document, location: Location) -> Fault:
    """A fault without a line is one of the file as a whole: it is told where the file is named.

    Nothing is repeated of the file, which may not be one for others to read: the name of a base is easily a wrong one.
    """
    if not fault.line:
        return heir.fault(location, f"{fault.file}: {fault.message}")
    return replace(fault, message=_hidden(fault.message)) if fault.message.startswith(NOT_YAML) else fault


def _hidden(message: str) -> str:
    return _QUOTED.sub(lambda found: found[1] or "'…'", message)


def _moved_reference(folder: Path, path: str) -> str:
    return f"${{file:{path if path.startswith('~') else folder / path}}}"


class _Merge:
    """One document over another, each value with its own place."""

    def __init__(self, base: Document, over: Document, shape: Shape) -> None:
        self._base = base
        self._over = over
        self._shape = shape
        self._keys: dict[Location, Place] = {}
        self._values: dict[Location, Place] = {}

    def result(self) -> Document:
        data = self._merged(self._base.data, self._over.data, ())
        faults = tuple(dict.fromkeys([*self._base.faults, *self._over.faults]))
        return Document(data, self._over.file, self._keys, self._values, faults)

    def _merged(self, base: Any, over: Any, location: Location) -> Any:
        if not isinstance(base, dict) or not isinstance(over, dict):
            return self._copied(self._over, over, location)
        self._note(self._over, location)
        return {
            key: self._entry(base, over, key, (*location, key))
            for key in dict.fromkeys([*base, *over])
            if not self._taken_away(base, over, key, (*location, key))
        }

    def _entry(self, base: dict[str, Any], over: dict[str, Any], key: str, location: Location) -> Any:
        if key not in over:
            return self._copied(self._base, base[key], location)
        if key not in base:
            return self._copied(self._over, over[key], location)
        return self._merged(base[key], over[key], location)

    def _taken_away(self, base: dict[str, Any], over: dict[str, Any], key: str, location: Location) -> bool:
        return key in base and key in over and over[key] is None and not self._shape.admits_null(location)

    def _copied(self, document: Document, value: Any, location: Location) -> Any:
        self._note(document, location)
        if isinstance(value, dict):
            return {key: self._copied(document, item, (*location, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._copied(document, item, (*location, index)) for index, item in enumerate(value)]
        return value

    def _note(self, document: Document, location: Location) -> None:
        for places, known in ((self._keys, document.key_places), (self._values, document.value_places)):
            if location in known:
                places[location] = known[location]
