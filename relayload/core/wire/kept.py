"""What is kept of an answer to be audited: its texts, and what it says of itself.

Only the answers of a sample are read for this, so that others cost nothing more.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import token_count
from relayload.core.wire.lenient import UNREADABLE

MOST_BYTES = 1 << 18
"""The longest texts of an answer that are kept."""
MOST_BODY_BYTES = 2 * MOST_BYTES
"""The longest body that is."""


class Kept(Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of one ok answer. The texts are the relay's own words: they may repeat a secret."""

    text: str = ""
    """The visible text."""
    thoughts: str = ""
    """The reasoning, as far as it was sent."""
    calls: tuple[str, ...] = ()
    """The arguments of each tool call."""
    cut: bool = False
    """The texts were too long to be kept."""
    model: str | None = None
    """The model that the answer names."""
    fingerprint: str | None = None
    """Its `system_fingerprint`."""
    total_tokens: int | None = None
    has_logprobs: bool = False
    body: bytes = b""
    """An answer that was not streamed and that is still to be read, so that nothing else is known of it."""


class _Facts(Struct, gc=False):
    """Where answers and the events of streams, of all endpoints, say something of themselves."""

    model: Any = None
    system_fingerprint: Any = None
    usage: Any = None
    choices: Any = None
    logprobs: Any = None
    output: Any = None
    response: Any = None
    """The response that an event of the Responses API holds."""
    message: Any = None
    """The message that the first event of the Messages API holds."""


_decode = msgspec.json.Decoder(_Facts).decode


class SelfReport:
    """What an answer says of itself, as its events arrive: the first name of a model counts, and the last total."""

    __slots__ = ("fingerprint", "has_logprobs", "model", "total_tokens")

    def __init__(self) -> None:
        self.model: str | None = None
        self.fingerprint: str | None = None
        self.total_tokens: int | None = None
        self.has_logprobs = False

    def hear(self, data: bytes) -> None:
        """Read a whole answer, or the data of an event. What can't be read says nothing."""
        try:
            facts = _decode(data)
        except UNREADABLE:
            return
        self._take(facts)

    def hear_fields(self, fields: Mapping[str, Any]) -> None:
        """Read an answer, or an event, that was parsed already."""
        self._take(_Facts(**{name: fields.get(name) for name in _Facts.__struct_fields__}))

    def _take(self, facts: _Facts) -> None:
        inner = facts.response if isinstance(facts.response, dict) else facts.message
        for model, fingerprint, usage in (
            (facts.model, facts.system_fingerprint, facts.usage),
            *([(inner.get("model"), inner.get("system_fingerprint"), inner.get("usage"))] if _is_object(inner) else ()),
        ):
            self.model = self.model or _name(model)
            self.fingerprint = self.fingerprint or _name(fingerprint)
            total = token_count(usage.get("total_tokens")) if isinstance(usage, dict) else None
            self.total_tokens = self.total_tokens if total is None else total
        self.has_logprobs = self.has_logprobs or bool(facts.logprobs) or _has_logprobs(facts.choices, facts.output)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _has_logprobs(choices: Any, output: Any) -> bool:
    """Return whether a choice of a chat, or a part of a response's output, has some."""
    parts = [part for item in _objects(output) for part in _objects(item.get("content"))]
    return any(each.get("logprobs") for each in (*_objects(choices), *parts))


def _objects(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


class KeptText:
    """The texts of one streamed answer and what it says of itself; the texts are dropped if they get too long."""

    __slots__ = ("_text", "_thoughts", "cut", "report")

    def __init__(self) -> None:
        self._text = bytearray()
        self._thoughts = bytearray()
        self.cut = False
        self.report = SelfReport()

    @property
    def text(self) -> str:
        return self._text.decode("utf-8", "replace")

    @property
    def thoughts(self) -> str:
        return self._thoughts.decode("utf-8", "replace")

    def add_text(self, text: bytes) -> None:
        """Add visible text, in UTF-8."""
        if not self.cut:
            self._text += text
            self._bound()

    def add_thought(self, text: bytes) -> None:
        """Add reasoning, in UTF-8."""
        if not self.cut:
            self._thoughts += text
            self._bound()

    def _bound(self) -> None:
        if len(self._text) + len(self._thoughts) > MOST_BYTES:
            self.cut = True
            self._text.clear()
            self._thoughts.clear()
