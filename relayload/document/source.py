"""Reads YAML into plain data that knows the place of each value, and collects every fault.

Reading does not stop at the first fault. What YAML permits but an author hardly intends (a key written twice, `no` for
a word, `010` for a number) goes to `Document.faults`, and `validate` raises it together with the faults that the model
finds.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from relayload import files
from relayload.core.errors import AuthorError, Fault
from relayload.document.encoding import decoded
from relayload.document.syntax_errors import NOT_YAML, syntax_fault

Location = tuple[str | int, ...]
"""Keys and list indices from the top of the document: `("load", "stages", 1, "rate")`."""

MAX_NODES = 200_000
"""A limit on values, since aliases of aliases can make a few lines stand for billions."""
MOST_BYTES = 4 << 20
"""The most bytes that are read, in case somebody names a wrong file."""

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: word == "true" for word in ("true", "false") for spelling in (word, word.capitalize(), word.upper())
}
_TRAPS = (
    (re.compile(r"yes|on", re.IGNORECASE), "'{0}' is true in YAML 1.1: write true, or '{0}' in quotes for the word"),
    (re.compile(r"no|off", re.IGNORECASE), "'{0}' is false in YAML 1.1: write false, or '{0}' in quotes for the word"),
    (re.compile(r"[-+]?0[0-9_]+"), "'{0}' is octal in YAML 1.1: drop the leading zero, or quote it"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "'{0}' is base 60 in YAML 1.1: write '90s', or quote it"),
)
"""Plain scalars that parsers of YAML 1.1 and 1.2 read differently (yaml.org/type/{bool,int}.html)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file. Line and column count from 1; both are 0 if there is no file."""

    file: str
    line: int = 0
    column: int = 0


SET = "--set"
"""The place of values that come from the command line."""


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) with the places where it was written."""

    data: Any
    file: str
    key_places: Mapping[Location, Place] = field(default_factory=dict)
    value_places: Mapping[Location, Place] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    """Faults that were found before any model has seen the data; `validate` raises them."""
    former_names: Mapping[Location, str] = field(default_factory=dict)
    """Former names of keys, as they were written, by their locations under the present names."""

    def fault(self, location: Location, message: str, *, at_key: bool = False) -> Fault:
        """Return a fault at a value, or at its key; if neither exists, at the nearest parent that does."""
        place = self._place(location, at_key)
        return Fault(message, ".".join(self._names(location)), place.file, place.line, place.column)

    def _names(self, location: Location) -> Iterator[str]:
        """Yield the keys as they are written."""
        return (self.former_names.get(location[:length], str(key)) for length, key in enumerate(location, 1))

    def _place(self, location: Location, at_key: bool) -> Place:
        if location in self.value_places:
            return (self.key_places if at_key else self.value_places).get(location, self.value_places[location])
        parents = (location[:length] for length in range(len(location) - 1, -1, -1))
        known = next((parent for parent in parents if parent in self.value_places), None)
        if known is None:
            return Place(self.file)
        return self.key_places.get(known, self.value_places[known])

    def override(self, assignments: Sequence[str]) -> "Document":
        """Return the document with `path.to.value=YAML` set. Items of lists go by index; missing mappings are added."""
        return _Overrides(self).apply(assignments)

    def substitute(self, replacement: Callable[[Location, str], str]) -> "Document":
        """Return the document with every text replaced, given its location. A ValueError becomes a fault there."""
        faults: list[Fault] = []
        data = self._substituted(self.data, (), replacement, faults)
        return replace(self, data=data, faults=(*self.faults, *faults))

    def _substituted(
        self, value: Any, location: Location, replacement: Callable[[Location, str], str], faults: list[Fault]
    ) -> Any:
        if isinstance(value, dict):
            return {key: self._substituted(item, (*location, key), replacement, faults) for key, item in value.items()}
        if isinstance(value, list):
            return [
                self._substituted(item, (*location, index), replacement, faults) for index, item in enumerate(value)
            ]
        if not isinstance(value, str):
            return value
        try:
            return replacement(location, value)
        except ValueError as error:
            faults.append(self.fault(location, str(error)))
            return value


def load(path: Path, *, pipe: bool = False) -> Document:
    """Read a regular file, or with `pipe` anything readable. Raises AuthorError if it can't be read or parsed."""
    try:
        text = decoded(files.content(path, MOST_BYTES, pipe=pipe))
    except OSError as error:
        raise AuthorError([Fault(f"cannot be read: {error.strerror}", file=str(path))]) from error
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        column = error.start - before.rfind(b"\n")
        raise AuthorError([Fault("is not UTF-8 text", "", str(path), before.count(b"\n") + 1, column)]) from error
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    """Parse one YAML document. Raises AuthorError if the text is not YAML, or empty."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise AuthorError([Fault("the file is empty", file=file)])
        return _Reader(file).document(node)
    except yaml.MarkedYAMLError as error:
        raise AuthorError([syntax_fault(error, text, file)]) from error
    except yaml.reader.ReaderError as error:
        raise AuthorError([_character_fault(error, text, file)]) from error
    except RecursionError as error:
        raise AuthorError([Fault("is nested too deeply", file=file)]) from error
    except _TooMany:
        raise AuthorError([_too_many(file)]) from None


class _TooMany(Exception):
    """Raised for a document with too many values."""


class _Loader(yaml.BaseLoader):
    """Counts the values while composing, since a tree of millions of values takes minutes and gigabytes."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if index is not None:  # a key, or the whole
            self._values += 1
        if self._values > MAX_NODES:
            raise _TooMany
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def _too_many(file: str) -> Fault:
    return Fault(f"holds more than {MAX_NODES} values", file=file)


def _character_fault(error: yaml.reader.ReaderError, text: str, file: str) -> Fault:
    before = text[: error.position]
    message = f"{NOT_YAML}: the character {chr(error.character)!r} is not allowed"
    return Fault(message, "", file, before.count("\n") + 1, error.position - before.rfind("\n"))


class _Reader:
    """Turns the nodes of one document into plain data and collects places and faults."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._keys: dict[Location, Place] = {}
        self._values: dict[Location, Place] = {}
        self._faults: list[Fault] = []
        self._open: set[int] = set()

    def document(self, node: yaml.Node) -> Document:
        data = self._value(node, ())
        return Document(data, self._file, self._keys, self._values, tuple(self._faults))

    def _value(self, node: yaml.Node, location: Location) -> Any:
        self._values[location] = self._place(node)
        if len(self._values) > MAX_NODES:
            raise AuthorError([_too_many(self._file)])
        if node.tag not in _PLAIN_TAGS:
            self._report(node, location, f"the tag '{node.tag}' is not supported: write the plain value")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, location)
        if id(node) in self._open:
            self._report(node, location, "holds itself: an alias must name something else than what it stands in")
            return None
        self._open.add(id(node))
        try:
            return self._inside(node, location)
        finally:
            self._open.remove(id(node))

    def _inside(self, node: yaml.Node, location: Location) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {key: self._value(value, (*location, key)) for key, value in self._entries(node, location)}
        return [self._value(item, (*location, index)) for index, item in enumerate(node.value)]

    def _entries(self, node: yaml.MappingNode, location: Location) -> Iterator[tuple[str, yaml.Node]]:
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, location, "a key must be plain text")
                continue
            key = (*location, str(key_node.value))
            if key in self._keys:
                first = self._keys[key]
                self._report(key_node, key, f"written twice; first in line {first.line}")
                continue
            self._keys[key] = self._place(key_node)
            yield key_node.value, value_node

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        if node.style is not None:
            return node.value
        for pattern, message in _TRAPS:
            if pattern.fullmatch(node.value):
                self._report(node, location, message.format(node.value))
                return node.value
        return plain_value(node.value)

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _report(self, node: yaml.Node, location: Location, message: str) -> None:
        place = self._place(node)
        self._faults.append(Fault(message, ".".join(map(str, location)), place.file, place.line, place.column))


def plain_value(text: str) -> str | int | float | bool | None:
    """Return the value of an unquoted scalar by the core schema of YAML 1.2, with `1e3` as a number."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) < 300 and _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if len(text) < 300 and _FLOAT.fullmatch(text) else text


def _counted(container: Any) -> str:
    """Describe the valid indices of a list, for people who count from 1."""
    if not isinstance(container, list):
        return ""
    numbers = "0" if len(container) == 1 else f"0 to {len(container) - 1}"
    return f", which holds {len(container)}, counted from 0: write {numbers}" if container else ", which is empty"


class _Overrides:
    """Sets single values of a document, as `--set load.stages.1.rate=5/s` asks."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._data = deepcopy(document.data)
        self._keys = dict(document.key_places)
        self._places = dict(document.value_places)
        self._former_names = dict(document.former_names)
        self._faults: list[Fault] = []

    def apply(self, assignments: Sequence[str]) -> Document:
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            if not equals or not name:
                self._report(assignment, "expected path.to.value=VALUE")
            else:
                self._assign(name, text)
        faults = (*self._document.faults, *self._faults)
        return replace(
            self._document,
            data=self._data,
            key_places=self._keys,
            value_places=self._places,
            faults=faults,
            former_names=self._former_names,
        )

    def _assign(self, name: str, text: str) -> None:
        try:
            value = parse(text, f"{SET} {name}") if text.strip() else Document(None, "")
        except AuthorError as error:
            self._faults.extend(replace(fault, line=0) for fault in error.faults)
            return
        self._faults.extend(replace(fault, line=0, path="") for fault in value.faults)
        self._put(name, name.split("."), value.data)

    def _put(self, name: str, pieces: list[str], value: Any) -> None:
        container, location = self._data, Location()
        while pieces:
            key, pieces = self._next(container, pieces)
            if key is None:
                self._report(
                    name, f"there is no '{pieces[0]}' in '{'.'.join(map(str, location))}'{_counted(container)}"
                )
                return
            location = (*location, key)
            if not pieces:
                self._forget(location)
            if location not in self._places:
                self._places[location] = Place(SET)
            if not pieces:
                container[key] = value
            else:
                if isinstance(container, dict) and container.get(key) is None:
                    container[key] = {}
                container = container[key]

    def _forget(self, location: Location) -> None:
        """Drop the places of that location and everything inside it."""
        for known in (self._keys, self._places, self._former_names):
            for inside in [place for place in known if place[: len(location)] == location]:
                del known[inside]

    def _next(self, container: Any, pieces: list[str]) -> tuple[str | int | None, list[str]]:
        """Return the next key and the remaining pieces. A key of the document may contain dots (`gpt-4.1`)."""
        if isinstance(container, list):
            index = int(pieces[0]) if pieces[0].isdecimal() else len(container)
            return (index, pieces[1:]) if index < len(container) else (None, pieces)
        if not isinstance(container, dict):
            return None, pieces
        for length in range(len(pieces), 0, -1):
            if ".".join(pieces[:length]) in container:
                return ".".join(pieces[:length]), pieces[length:]
        return pieces[0], pieces[1:]

    def _report(self, name: str, message: str) -> None:
        self._faults.append(Fault(message, file=f"{SET} {name}"))
