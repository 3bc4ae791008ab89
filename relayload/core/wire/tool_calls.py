"""Assembles the tool calls of an answer from the parts in which they come, and tells whether their arguments parse."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

_CALL_BYTES = 200
"""About what a call takes beside its name and its arguments."""


class CallPart(NamedTuple):
    """A part of a call: the name, some of the arguments, or all of it."""

    place: Hashable
    """Tells the calls of an answer apart; None continues the call before."""
    name: str = ""
    arguments: str = ""
    is_free: bool = False
    """Whether the arguments are any text, as those of custom tools are, and no JSON."""


class CallCounts(NamedTuple):
    """The calls of an answer. A valid one has a name, and arguments that are a JSON object."""

    all: int = 0
    valid: int = 0


NO_CALLS = CallCounts()


class ToolCalls:
    """The calls of one answer, as their parts arrive."""

    __slots__ = ("_calls", "held_bytes")

    def __init__(self) -> None:
        self._calls: dict[Hashable, tuple[bytearray, bytearray, bool]] = {}
        """By place, the name and the arguments of each call, and whether these are free text."""
        self.held_bytes = 0

    def add(self, parts: Iterable[CallPart]) -> None:
        for part in parts:
            place = self._last_place if part.place is None else part.place
            if place not in self._calls:
                self._calls[place] = (bytearray(), bytearray(), part.is_free)
                self.held_bytes += _CALL_BYTES
            name, arguments, _ = self._calls[place]
            name += (added_name := _utf8(part.name))
            arguments += (added := _utf8(part.arguments))
            self.held_bytes += len(added_name) + len(added)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of each call, as they were sent."""
        return tuple(arguments.decode("utf-8", "replace") for _, arguments, _ in self._calls.values())

    @property
    def _last_place(self) -> Hashable:
        return next(reversed(self._calls), None)

    def counts(self, *, empty_is_valid: bool = False) -> CallCounts:
        """Count the calls. In the Messages API, empty arguments are an empty object."""
        valid = sum(
            bool(name) and (free or (empty_is_valid and not arguments) or is_object(arguments))
            for name, arguments, free in self._calls.values()
        )
        return CallCounts(len(self._calls), valid)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def is_object(text: bytes | bytearray) -> bool:
    """Return whether a text is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def asks_for_calls(body: Mapping[str, Any]) -> bool:
    """Return whether a request offers tools."""
    return bool(body.get("tools") or body.get("functions"))
