"""Former names of keys, which documents may use for one more version: they are read as the present ones."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from relayload.document.shape import Shape
from relayload.document.source import SET, Document, Location, Place


def with_present_names(document: Document, shape: Shape) -> Document:
    """Return the document with present names for all keys. Both names at once are a fault, but for `--set`.

    A former name in `--set` overrides the present one in a file.
    """
    found = list(shape.renamed(document.data))
    if found:
        document = replace(document, data=deepcopy(document.data))
    for location, former, present in found:
        mapping = _mapping_at(document.data, location)
        if present not in mapping or _only_former_is_set(document, location, former, present):
            document = _renamed(document, mapping, location, former, present)
        else:
            del mapping[former]
            message = f"is the old name of '{present}', which is given, too: leave out '{former}'"
            fault = document.fault((*location, former), message, at_key=True)
            document = replace(document, faults=(*document.faults, fault))
    return document


def _mapping_at(data: Any, location: Location) -> dict[str, Any]:
    for key in location:
        data = data[key]
    mapping: dict[str, Any] = data
    return mapping


def _only_former_is_set(document: Document, location: Location, *names: str) -> bool:
    places = [document.value_places.get((*location, name)) for name in names]
    return [place is not None and place.file == SET for place in places] == [True, False]


def _renamed(document: Document, mapping: dict[str, Any], location: Location, former: str, present: str) -> Document:
    """Rename one key of a mapping, and the places of all that it holds."""
    mapping.pop(present, None)
    entries = [(present if key == former else key, value) for key, value in mapping.items()]
    mapping.clear()
    mapping.update(entries)
    before, now = (*location, former), (*location, present)
    return replace(
        document,
        key_places=_moved(document.key_places, before, now),
        value_places=_moved(document.value_places, before, now),
        former_names={**document.former_names, now: former},
    )


def _moved(places: Mapping[Location, Place], before: Location, now: Location) -> dict[Location, Place]:
    length = len(before)
    kept = {at: place for at, place in places.items() if at[:length] not in (before, now)}
    return kept | {(*now, *at[length:]): place for at, place in places.items() if at[:length] == before}
