"""Removes secrets from what a relay sends, such as error messages that repeat the key."""

import re
from collections.abc import Iterable

_HIDDEN = "***"
_SHORTEST = 8
"""Shorter header values are not secrets."""
_SHORTEST_KEY = 4
"""A shorter key protects nothing and may be part of many words."""
_READ_LENGTH = 65_536
"""How much is redacted before it is cut: cutting first could leave half a secret at the end."""
_NAME_LENGTH = 200
USUAL_NAMES = frozenset(
    {"stop", "length", "tool_calls", "content_filter", "completed", "max_output_tokens"}
    | {"end_turn", "max_tokens", "tool_use", "stop_sequence"}
)
_PLAIN_LENGTH = 64
_KEYS = re.compile(r"\b(?:sk|rk|pk|key)-[\w*-]{4,}|(?<=bearer )\S{8,}", re.IGNORECASE)
"""What looks like a key: a relay may also leak one of its own."""


def resembles_key(text: str) -> bool:
    """Return whether the text contains anything that looks like a key."""
    return _KEYS.search(text) is not None


class Secrets:
    """The secrets of a target: its key, the values of its headers, and other keys."""

    def __init__(self, api_key: str, headers: Iterable[str] = (), others: Iterable[str] = ()) -> None:
        texts = {text for value in headers for text in (value, *value.split()) if len(text) >= _SHORTEST}
        texts.update(key for key in (api_key, *others) if len(key) >= _SHORTEST_KEY)
        self._texts = sorted(texts, key=len, reverse=True)

    def redacted(self, text: str) -> str:
        """Return the text without these secrets and anything else that looks like a key."""
        for secret in self._texts:
            text = text.replace(secret, _HIDDEN)
        return _KEYS.sub(_HIDDEN, text)

    def quoted(self, text: str) -> str:
        """Return the relay's own words on one line, without secrets and terminal control characters."""
        hidden = self.redacted(text[:_READ_LENGTH])
        if not hidden.isprintable():
            hidden = "".join(letter if letter.isprintable() else " " for letter in hidden)
        return " ".join(hidden.split())

    def quoted_name(self, name: str | None) -> str | None:
        """Return a name from the relay, cleaned like `quoted` and shortened; None if nothing is left of it."""
        if not name or name in USUAL_NAMES:
            return name or None
        if _is_plain(name):
            for secret in self._texts:
                if secret in name:
                    break
            else:
                return name
        return self.quoted(name)[:_NAME_LENGTH] or None


def _is_plain(name: str) -> bool:
    """Return whether a name is one short ASCII word that can't contain a key, as nearly all names are."""
    if len(name) > _PLAIN_LENGTH or not name.isascii() or not name.isprintable() or " " in name:
        return False
    if "-" not in name:
        return True
    lower = name.lower()
    return "k-" not in lower and "y-" not in lower
