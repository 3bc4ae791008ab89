"""How the key of a target is shown to it."""

AUTHORIZATION = "authorization"


def key_header(api_key: str, name: str | None = None) -> dict[str, str]:
    """`Authorization: Bearer KEY`, or where the target has another header for it, the key alone in that."""
    return {AUTHORIZATION: f"Bearer {api_key}"} if name is None else {name.lower(): api_key}
