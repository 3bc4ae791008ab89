"""Dates in HTTP headers."""

from datetime import UTC
from email.utils import parsedate_to_datetime


def http_date_s(text: str) -> float | None:
    """Parse a date in any of the three forms of RFC 9110 to seconds since the Unix epoch; None if it is no date.

    A date without a zone is in UTC.
    """
    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):  # depending on the input
        return None
