"""Checks structured output: whether an answer is JSON that fits the schema that its request asked for."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from relayload.core.wire.request import Endpoint
from relayload.core.wire.schema_fit import fits
from relayload.core.wire.schema_keywords import Unfit

MOST_BYTES = 65_536
"""Longer answers are not checked, which would keep this process from reading others."""
_PLACES: Mapping[Endpoint, tuple[str, ...]] = MappingProxyType(
    {
        Endpoint.CHAT: ("response_format",),
        Endpoint.RESPONSES: ("text", "format"),
        Endpoint.MESSAGES: ("output_config", "format"),
    }
)


def schema_of(endpoint: Endpoint, body: Mapping[str, Any]) -> Any | None:
    """Return the schema that a request asks its answer to fit; None if it asks for none."""
    if not ("response_format" in body or "text" in body or "output_config" in body):  # as most
        return None
    form: Any = body
    for name in _PLACES.get(endpoint, ("",)):
        form = form.get(name) if isinstance(form, Mapping) else None
    if not isinstance(form, Mapping):
        return None
    if form.get("type") == "json_object":
        return {"type": "object"}
    named = form.get("json_schema")
    return named.get("schema") if isinstance(named, Mapping) else form.get("schema")


def all_fit(texts: Iterable[str], schema: Any) -> bool | None:
    """Return whether each text is JSON that fits; None if one is too long, or the schema can't be checked."""
    try:
        return all(_fits(text, schema) for text in texts)
    except (Unfit, RecursionError):
        return None


def _fits(text: str, schema: Any) -> bool:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MOST_BYTES:
        raise Unfit("the answer is too long")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return fits(value, schema, schema)
