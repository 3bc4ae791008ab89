"""What pydantic models allow at a location of a document: the types, and the keys."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from relayload.document.source import Location

Types = list[Any]
"""The members of a union, without the wrapping of `Annotated`."""


@dataclass(frozen=True, slots=True)
class PathIf:
    """Marks a text that is the path of a file if a condition holds, and a name otherwise."""

    holds: Callable[[str], bool]


class Shape:
    """What a model allows in its documents."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def types(self, location: Location) -> Types:
        """Return the types that a location may have, as far as its keys decide; empty for an unknown location."""
        types: Types = [self._model]
        for key in location:
            types = _below(types, key)
        return types

    def keys(self, error_location: Location) -> set[str]:
        """Return the keys that models know at an error's location, where pydantic inserts the tags of unions."""
        types: Types = [self._model]
        for piece in error_location:
            types = _below(types, piece) or _tagged(types, piece)
        return {str(name) for member in types if _is_model(member) for name in _fields(member)}

    def admits_null(self, location: Location) -> bool:
        """Return whether null is a value there, as it is for a timeout without end."""
        return any(member in (NoneType, Any) for member in self.types(location))

    def is_path(self, location: Location, text: str) -> bool:
        """Return whether that text at that location is the path of a file."""
        types = self.types(location)
        return Path in types or any(isinstance(member, PathIf) and member.holds(text) for member in types)

    def renamed(self, data: Any) -> Iterator[tuple[Location, str, str]]:
        """Yield each use of a former name: the location of its mapping, the former name, and the present one.

        Models list them in `renamed`, a mapping of former to present names.
        """
        return _renamed(data, [self._model], ())


def _flat(annotation: Any) -> Types:
    if get_origin(annotation) is Annotated:
        member, *marks = get_args(annotation)
        return [*_flat(member), *(mark for mark in marks if isinstance(mark, PathIf))]
    if get_origin(annotation) in (Union, UnionType):
        return [member for part in get_args(annotation) for member in _flat(part)]
    return [annotation]


def _below(types: Types, piece: str | int) -> Types:
    return [found for member in types for found in _inside(member, piece)]


def _inside(member: Any, piece: str | int) -> Types:
    if member is Any:
        return [Any]
    if _is_model(member):
        return _flat(_fields(member)[piece]) if piece in _fields(member) else []
    if get_origin(member) is dict and isinstance(piece, str):
        return _flat(get_args(member)[1])
    if get_origin(member) in (list, tuple) and isinstance(piece, int):
        return _flat(get_args(member)[0])
    return []


def _renamed(data: Any, types: Types, location: Location) -> Iterator[tuple[Location, str, str]]:
    if isinstance(data, dict):
        for member in types:
            former: Mapping[str, str] = getattr(member, "renamed", {}) if _is_model(member) else {}
            yield from ((location, old, new) for old, new in former.items() if old in data)
        for key, value in data.items():
            if isinstance(value, dict | list):
                yield from _renamed(value, _below(types, key), (*location, key))
    elif isinstance(data, list) and (items := _below(types, 0)):
        for index, value in enumerate(data):
            yield from _renamed(value, items, (*location, index))


def _tagged(types: Types, tag: str | int) -> Types:
    """Return the members of a union that a tag in the error's location selects; all of them if it selects none."""
    return [member for member in types if _is_model(member) and tag in _tags(member)] or types


def _tags(model: type[BaseModel]) -> set[Any]:
    literals = (field.annotation for field in model.model_fields.values() if get_origin(field.annotation) is Literal)
    return {model.__name__} | {value for literal in literals for value in get_args(literal)}


def _fields(model: type[BaseModel]) -> dict[str | int, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
