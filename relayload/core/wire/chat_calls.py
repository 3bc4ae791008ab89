"""Reads the tool calls of chat completions: whole ones, and the parts in which streams send them."""

from typing import Any

from relayload.core.wire.lenient import as_json
from relayload.core.wire.tool_calls import CallPart


def call_parts(tool_calls: Any, function_call: Any, choice: Any) -> tuple[CallPart, ...]:
    """Return the parts in these fields of a delta or a message. A part without a name and arguments is none.

    `choice` is the index of the choice that they are of; one that is no number counts as the first.
    """
    choice = choice if isinstance(choice, int) else 0
    listed = tool_calls if isinstance(tool_calls, list) else []
    found = [_of_call(call, choice) for call in listed if isinstance(call, dict)]
    found.append(_part(function_call, (choice, None), "arguments"))
    return tuple(part for part in found if part is not None)


def _of_call(call: dict[str, Any], choice: int) -> CallPart | None:
    """Read one call. Relays that do not number their calls give each an id."""
    index, given = call.get("index"), call.get("id")
    number = index if isinstance(index, int) else given if isinstance(given, str) else None
    place = None if number is None else (choice, number)
    return _part(call.get("function"), place, "arguments") or _part(call.get("custom"), place, "input")


def _part(function: Any, place: Any, field: str) -> CallPart | None:
    if not isinstance(function, dict):
        return None
    name, arguments = function.get("name"), function.get(field)
    if not name and not arguments:
        return None
    if arguments and not isinstance(arguments, str):  # Ollama sends an object
        arguments = as_json(arguments)
    return CallPart(place, name if isinstance(name, str) else "", arguments or "", field == "input")
