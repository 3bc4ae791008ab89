"""The parts of a profile that are never shown: keys, and headers that may hold one.

Secret are the `api_key` and the `keys` of every target, and those header values that refer to a variable or a file,
that look like a key, or whose name suggests one. A variable that a secret refers to must not be used anywhere else.
"""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from relayload.core.errors import Fault
from relayload.document import Document, Location
from relayload.document.spelling import shown
from relayload.profile.plaintext_keys import is_no_key, is_plain_key
from relayload.profile.variables import around_references, references, texts, without_defaults
from relayload.transport.redaction import resembles_key

_HIDDEN = "***"
_SHORTEST = 4
"""The shortest secret that is replaced in messages; a shorter one would hide half of them."""
_IN_ARGUMENTS = "everybody on this machine can read arguments: write ${env:NAME} or ${file:PATH}, not the key itself"
_STAYS = "a key in the profile does not travel: write ${env:NAME}, and set NAME on each host"
_NAMES_A_KEY = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)
_NAMES_NO_KEY = re.compile(r"x-portkey-(?:custom-host|provider)", re.IGNORECASE)
"""Headers that name where a gateway is to ask."""


def secret_locations(written: Document) -> tuple[Location, ...]:
    """Return the locations of secrets in a profile as written."""
    return tuple(location for location, value in _leaves(written.data, ()) if _is_secret(location, value))


def misused(written: Document, secrets: Iterable[Location]) -> Iterator[Fault]:
    """Yield faults for texts elsewhere that refer to the variable or file of a secret."""
    secret = set(secrets)
    hidden = {reference for place, text in texts(written.data) if place in secret for reference in references(text)}
    for location, text in texts(written.data):
        for reference in sorted(references(text) & hidden) if location not in secret else ():
            name = reference.partition(":")[2]
            yield written.fault(
                location, f"{name} is part of a secret, an api_key or a header: it may stand nowhere else"
            )


def in_arguments(written: Document, secrets: Iterable[Location]) -> Iterator[Fault]:
    """Yield faults for keys that were given as arguments, which every user of a machine can read."""
    for location in secrets:
        value, fault = at(written.data, location), written.fault(location, _IN_ARGUMENTS)
        if fault.file.startswith("--") and isinstance(value, str) and not references(value):
            yield fault


def names_a_key(fault: Fault) -> bool:
    """Return whether the fault concerns a key that was given as an argument."""
    return fault.message == _IN_ARGUMENTS


def redacted(data: dict[str, Any], secrets: Iterable[Location]) -> dict[str, Any]:
    """Return a copy of a profile's content that may be shown."""
    copy = deepcopy(data)
    for location in secrets:
        parent = at(copy, location[:-1])
        if isinstance(parent, dict) and parent.get(location[-1]) is not None:
            parent[location[-1]] = _HIDDEN
    return copy


def travelling(written: Document, secrets: Iterable[Location]) -> tuple[dict[Location, str], tuple[Fault, ...]]:
    """Return the secrets as other hosts may read them, and a fault for each that may not leave this one.

    References may travel, but for defaults that may be keys, and so may words that stand for no key.
    """
    references_only: dict[Location, str] = {}
    faults: list[Fault] = []
    for location in secrets:
        text = at(written.data, location)
        if not isinstance(text, str):
            continue
        if is_no_key(text) or (references(text) and not is_plain_key(around_references(text).strip())):
            references_only[location] = without_defaults(text, is_no_key)
        else:
            faults.append(written.fault(location, _STAYS))
    return references_only, tuple(faults)


def concealed(faults: Iterable[Fault], secrets: Iterable[Location], *documents: Document) -> list[Fault]:
    """Remove the secrets, as written or in place, from faults that repeat one or its beginning (`'0123' is octal`)."""
    values = [at(document.data, location) for document in documents for location in secrets]
    found = list(faults)
    for value in (str(value) for value in values if isinstance(value, str | int | float)):
        for text in (value, shown(value)):
            if len(text) >= _SHORTEST:
                found = [replace(fault, message=fault.message.replace(text, _HIDDEN)) for fault in found]
    return found


def _is_secret(location: Location, value: object) -> bool:
    match location:
        case ("target", "api_key") | ("targets", _, "api_key"):
            return True
        case ("target", "keys", *place) | ("targets", _, "keys", *place):
            return place[1:2] not in (["name"], ["share"])
        case ("target", "headers", name) | ("targets" | "scenarios", _, "headers", name):
            return _names_a_key(str(name)) or (isinstance(value, str) and _may_be_key(value))
    return False


def _names_a_key(header: str) -> bool:
    return bool(_NAMES_A_KEY.search(header)) and not _NAMES_NO_KEY.fullmatch(header)


def _may_be_key(text: str) -> bool:
    return bool(references(text)) or resembles_key(text)


def _leaves(value: Any, location: Location) -> Iterator[tuple[Location, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*location, key))
    elif isinstance(value, list) and "keys" in location:
        for number, item in enumerate(value):
            yield from _leaves(item, (*location, number))
    else:
        yield location, value


def at(data: Any, location: Location) -> Any:
    """Return the value at that location of a profile's content; None if there is none."""
    for key in location:
        if isinstance(data, list):
            data = data[key] if isinstance(key, int) and key < len(data) else None
        else:
            data = data.get(key) if isinstance(data, dict) else None
    return data
