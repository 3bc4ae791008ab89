"""A request in short, for messages."""

import json
from collections.abc import Mapping
from typing import Any

from relayload.core.wire.request import WireRequest

_TEXT_LENGTH = 60
_MOST_ITEMS = 4
_LENGTH = 400
_HINT = "x-relayload-"
"""Headers that only a fake relay reads."""


def preview(request: WireRequest) -> str:
    """Return the request on one line: path, body with long texts and lists cut, and the names of its headers."""
    body = json.dumps(_cut(request.body), ensure_ascii=False)
    named = sorted(name for name in request.headers if not name.startswith(_HINT))
    headers = f" with {', '.join(named)}" if named else ""
    short = body if len(body) <= _LENGTH else f"{body[:_LENGTH]}…"
    return f"POST {request.path} {short}{headers}"


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _TEXT_LENGTH else f"{value[:_TEXT_LENGTH]}…"
    if isinstance(value, Mapping):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, list):
        kept = [_cut(each) for each in value[:_MOST_ITEMS]]
        return kept if len(value) <= _MOST_ITEMS else [*kept, f"… {len(value) - _MOST_ITEMS} more"]
    return value
