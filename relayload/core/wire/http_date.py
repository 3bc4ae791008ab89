"""Dates in headers of HTTP."""

from datetime import UTC
from email.utils import parsedate_to_datetime


def http_date_s(text: str) -> float | None:
    """Seconds since the Unix epoch, of a date in any of the three forms of RFC 9110; None if it is none.

    One without a zone is in UTC, as all are to be.
    """
    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):  # what it raises depends on what is odd
        return None
