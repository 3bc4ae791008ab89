"""The headers that carry the key of a target."""

import re

AUTHORIZATION = "authorization"
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header name. Source: RFC 9110, 5.6.2."""
SET_BY_THE_DRIVER = ("host", "connection", "content-type", "content-length", "transfer-encoding")
"""Headers that can neither hold a key nor be set by a user."""


def key_header(api_key: str, name: str | None = None) -> dict[str, str]:
    """Return `Authorization: Bearer KEY` or, if the target uses another header, the bare key in that header."""
    return {AUTHORIZATION: f"Bearer {api_key}"} if name is None else {name.lower(): api_key}
