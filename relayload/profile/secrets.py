"""What of a profile is never shown: keys, and headers that may hold one.

Secret are `api_key` of every target, and those header values that refer to a variable or a file, that look like a key,
or whose name says so. A variable that a secret refers to may be referred to nowhere else.
"""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from relayload.core.errors import Fault
from relayload.document import Document, Location
from relayload.profile.variables import references, texts
from relayload.transport.redaction import resembles_key

_HIDDEN = "***"
_SHORTEST = 4
"""Anything shorter would blot out half of a message."""
_IN_ARGUMENTS = "everybody on this machine can read arguments: write ${env:NAME} or ${file:PATH}, not the key itself"
_TELLING = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)


def secret_locations(written: Document) -> tuple[Location, ...]:
    """Where secrets stand in a profile as it was written."""
    return tuple(location for location, value in _leaves(written.data, ()) if _is_secret(location, value))


def misused(written: Document, secrets: Iterable[Location]) -> Iterator[Fault]:
    """The faults of texts that refer to what is secret elsewhere."""
    secret = set(secrets)
    hidden = {reference for place, text in texts(written.data) if place in secret for reference in references(text)}
    for location, text in texts(written.data):
        for reference in sorted(references(text) & hidden) if location not in secret else ():
            name = reference.partition(":")[2]
            yield written.fault(
                location, f"{name} is part of a secret, an api_key or a header: it may stand nowhere else"
            )


def in_arguments(written: Document, secrets: Iterable[Location]) -> Iterator[Fault]:
    """The faults of keys that were given as arguments, which every user of a machine can read."""
    for location in secrets:
        value, fault = at(written.data, location), written.fault(location, _IN_ARGUMENTS)
        if fault.file.startswith("--") and isinstance(value, str) and not references(value):
            yield fault


def tells_a_key(fault: Fault) -> bool:
    """Whether it is of a key that was given as an argument."""
    return fault.message == _IN_ARGUMENTS


def redacted(data: dict[str, Any], secrets: Iterable[Location]) -> dict[str, Any]:
    """A copy of a profile's content that may be shown."""
    copy = deepcopy(data)
    for location in secrets:
        parent = at(copy, location[:-1])
        if isinstance(parent, dict) and parent.get(location[-1]) is not None:
            parent[location[-1]] = _HIDDEN
    return copy


def concealed(faults: Iterable[Fault], secrets: Iterable[Location], *documents: Document) -> list[Fault]:
    """The faults without the secrets, as written or in place, should any repeat one (`'0123' is octal ...`)."""
    values = [at(document.data, location) for document in documents for location in secrets]
    told = list(faults)
    for value in values:
        if isinstance(value, str) and len(value) >= _SHORTEST:
            told = [replace(fault, message=fault.message.replace(value, _HIDDEN)) for fault in told]
    return told


def _is_secret(location: Location, value: object) -> bool:
    match location:
        case ("target", "api_key") | ("targets", _, "api_key"):
            return True
        case ("target", "headers", name) | ("targets" | "scenarios", _, "headers", name):
            return bool(_TELLING.search(str(name))) or (isinstance(value, str) and _may_be_key(value))
    return False


def _may_be_key(text: str) -> bool:
    return bool(references(text)) or resembles_key(text)


def _leaves(value: Any, location: Location) -> Iterator[tuple[Location, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*location, key))
    else:
        yield location, value


def at(data: Any, location: Location) -> Any:
    """What stands there in the content of a profile; None where nothing does."""
    for key in location:
        data = data.get(key) if isinstance(data, dict) else None
    return data
