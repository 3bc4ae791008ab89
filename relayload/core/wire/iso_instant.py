"""Instants in RFC 3339 and ISO 8601 format: `2026-01-01T00:00:00Z`."""

import re
from datetime import UTC, datetime

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_LEAP_SECOND = ":60"


def iso_instant_s(text: str) -> float | None:
    """Parse an instant to seconds since the Unix epoch; None if it is none. Without an offset it is in UTC."""
    text = text.strip()
    if not _INSTANT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text.upper().replace(_LEAP_SECOND, ":59"))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
