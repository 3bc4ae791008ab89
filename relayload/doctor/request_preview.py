"""What was sent, short enough to be read."""

import json
from collections.abc import Mapping
from typing import Any

from relayload.core.wire.request import WireRequest

_TEXT_LENGTH = 60
_MOST_ITEMS = 4
_LENGTH = 400
_HINT = "x-relayload-"
"""Headers that mean something to a fake relay alone."""


def preview(request: WireRequest) -> str:
    """The request on one line: its path, its body with long texts and lists cut, and the names of its own headers."""
    body = json.dumps(_cut(request.body), ensure_ascii=False)
    named = sorted(name for name in request.headers if not name.startswith(_HINT))
    headers = f" with {', '.join(named)}" if named else ""
    told = body if len(body) <= _LENGTH else f"{body[:_LENGTH]}…"
    return f"POST {request.path} {told}{headers}"


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _TEXT_LENGTH else f"{value[:_TEXT_LENGTH]}…"
    if isinstance(value, Mapping):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, list):
        kept = [_cut(each) for each in value[:_MOST_ITEMS]]
        return kept if len(value) <= _MOST_ITEMS else [*kept, f"… {len(value) - _MOST_ITEMS} more"]
    return value
