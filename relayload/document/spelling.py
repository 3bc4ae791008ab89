"""How messages repeat what somebody wrote."""

_LENGTH = 60


def spelled(value: object) -> str:
    """Return what an author wrote, in quotes and short, for a message: `'5'`, `a mapping`, `nothing`."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{shown(text)}'"


def shown(text: str) -> str:
    """Return the beginning of a text, on one line and with control characters escaped."""
    cut = text if len(text) <= _LENGTH else text[:_LENGTH] + "…"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut)
