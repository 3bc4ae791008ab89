"""Documents that build on others: `extends: base.yaml`, or a list of files, the later of which override the earlier.

Paths are relative to the file that names them. Mappings merge; any other value replaces that of a base. A null removes
a key of the base, except where null itself is a value, such as a timeout without end. Values of a base keep their
places, so that a fault names the base's file and line, and their relative paths still lead to the same files.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

from relayload.core.errors import AuthorError, Fault
from relayload.document import source
from relayload.document.renamed_keys import with_present_names
from relayload.document.shape import Shape
from relayload.document.source import Document, Location
from relayload.document.syntax_errors import NOT_YAML
from relayload.document.validation import holds

KEY = "extends"

_MOST_FILES = 100
"""A limit on files, since bases of bases can make a few of them stand for millions."""
_QUOTED = re.compile(r"('(?:[\[\]{},]|- |-{3}|ttft[^']*)')|'[^']*'")
"""What a message on syntax repeats of the text, in quotes. The first group is signs that the message itself proposes.
"""
_FILE_REFERENCE = re.compile(r"(?<!\$)\$\{file:(?P<path>[^{}]+)\}")


Value = TypeVar("Value")

Find = Callable[[Path, Path], Path]
"""Finds the file for a path that a file in the given folder names."""


def _as_written(written: Path, _: Path) -> Path:
    return written


def load_extended(path: Path, shape: Shape, expand: Callable[[str], str], find: Find = _as_written) -> Document:
    """Read a file and all that it extends, without the key itself. `expand` replaces variables in the names of bases.

    `find` may map names to other files. Raises AuthorError where a file can't be read, or extends itself.
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
        """Read a document and lay it over its bases; `heirs` are the files that extend it."""
        written = with_present_names(source.load(path, pipe=not heirs), self._shape)
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
        return reduce(lambda below, above: _over(below, above, self._shape), [*bases, own])

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
        """Return the base with its relative paths rewritten as seen from the folder of its heir."""

        def move(location: Location, text: str) -> str:
            if text and "${" not in text and self._shape.is_path(location, text):
                return str(folder / text)
            return _FILE_REFERENCE.sub(lambda match: _moved_reference(folder, match["path"]), text)

        return base.substitute(move)


def _names(written: Document, faults: list[Fault]) -> list[tuple[Location, str]]:
    """Return the files that a document names, each with its location."""
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
    """Place a fault that has no line, and so concerns a whole base, where that base is named.

    Text of the base is not repeated: the name may be a slip, and the file one that others must not read.
    """
    if not fault.line:
        return heir.fault(location, f"{fault.file}: {fault.message}")
    return replace(fault, message=_without_quotes(fault.message)) if fault.message.startswith(NOT_YAML) else fault


def _without_quotes(message: str) -> str:
    return _QUOTED.sub(lambda found: found[1] or "'…'", message)


def _moved_reference(folder: Path, path: str) -> str:
    return f"${{file:{path if path.startswith('~') else folder / path}}}"


def _over(base: Document, over: Document, shape: Shape) -> Document:
    """Lay one document over another; each value keeps its own place."""
    data = _merged(base.data, over.data, (), shape)
    keys = _kept(data, {**base.key_places, **over.key_places})
    values = _kept(data, {**base.value_places, **over.value_places})
    below = {place: name for place, name in base.former_names.items() if place not in over.value_places}
    names = _kept(data, {**below, **over.former_names})
    return Document(data, over.file, keys, values, tuple(dict.fromkeys([*base.faults, *over.faults])), names)


def _merged(base: Any, over: Any, location: Location, shape: Shape) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    merged = {**base, **over}
    for key in base.keys() & over.keys():
        inside = (*location, key)
        if over[key] is None and not shape.admits_null(inside):
            del merged[key]
        else:
            merged[key] = _merged(base[key], over[key], inside, shape)
    return merged


def _kept(data: Any, entries: Mapping[Location, Value]) -> dict[Location, Value]:
    """Keep the entries of locations that the data still has."""
    return {location: each for location, each in entries.items() if _has(data, location)}


def _has(data: Any, location: Location) -> bool:
    """Return whether the data has that location."""
    for piece in location:
        if not holds(data, piece):
            return False
        data = data[piece]
    return True
