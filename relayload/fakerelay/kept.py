"""Stores the last responses, which can be retrieved by id."""

from collections import OrderedDict
from dataclasses import replace
from typing import Any

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.responses import response, response_id

MAX_RESPONSES = 1_000


class KeptResponses:
    """Stores the small inputs of responses, and renders a response again when it is retrieved."""

    def __init__(self) -> None:
        self._parts: OrderedDict[str, tuple[ParsedRequest, Reply, int]] = OrderedDict()

    def keep(self, parsed: ParsedRequest, reply: Reply, created: int) -> None:
        """Store a response that was sent completely."""
        self._parts[response_id(reply)] = replace(parsed, texts=()), reply, created
        if len(self._parts) > MAX_RESPONSES:
            self._parts.popitem(last=False)

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the response with this id, or None."""
        parts = self._parts.get(name)
        return None if parts is None else response(*parts, parts[1].words())

    def take(self, name: str) -> dict[str, Any] | None:
        """Return the response with this id, or None, and delete it."""
        found = self.find(name)
        self._parts.pop(name, None)
        return found
