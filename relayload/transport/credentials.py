"""How the key of a target is shown to it."""

import re

AUTHORIZATION = "authorization"
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, 5.6.2."""
SET_BY_THE_DRIVER = ("host", "connection", "content-type", "content-length", "transfer-encoding")
"""No place for a key, and nothing for a user to say."""


def key_header(api_key: str, name: str | None = None) -> dict[str, str]:
    """`Authorization: Bearer KEY`, or where the target has another header for it, the key alone in that."""
    return {AUTHORIZATION: f"Bearer {api_key}"} if name is None else {name.lower(): api_key}
