"""What a relay says of an error, without the secrets that it may repeat."""

import re
from collections.abc import Iterable

_HIDDEN = "***"
_SHORTEST = 8
"""Header values that are shorter hide nothing."""
_SHORTEST_KEY = 4
"""A shorter key guards nothing, and may be a part of many words."""
_READ_LENGTH = 65_536
"""Concealed before it is cut, so that no half of a secret is left at the end; but no relay's word is read for ever."""
_NAME_LENGTH = 200
USUAL_NAMES = frozenset({"stop", "length", "tool_calls", "content_filter", "completed", "max_output_tokens"})
_PLAIN_LENGTH = 64
_KEYS = re.compile(r"\b(?:sk|rk|pk|key)-[\w*-]{4,}|(?<=bearer )\S{8,}", re.IGNORECASE)
"""What looks like a key: a relay may repeat one of its own, too."""


def resembles_key(text: str) -> bool:
    """Whether there is anything in it that looks like a key."""
    return _KEYS.search(text) is not None


class Secrets:
    """The key of a target and the values of its headers."""

    def __init__(self, api_key: str, headers: Iterable[str] = ()) -> None:
        texts = {text for value in headers for text in (value, *value.split()) if len(text) >= _SHORTEST}
        if len(api_key) >= _SHORTEST_KEY:
            texts.add(api_key)
        self._texts = sorted(texts, key=len, reverse=True)

    def hidden_in(self, text: str) -> str:
        """The text without them, and without anything else that looks like a key."""
        for secret in self._texts:
            text = text.replace(secret, _HIDDEN)
        return _KEYS.sub(_HIDDEN, text)

    def told(self, text: str) -> str:
        """The relay's own words: without secrets, on one line, and without what moves a terminal's cursor."""
        hidden = self.hidden_in(text[:_READ_LENGTH])
        if not hidden.isprintable():
            hidden = "".join(letter if letter.isprintable() else " " for letter in hidden)
        return " ".join(hidden.split())

    def named(self, name: str | None) -> str | None:
        """A name that the relay gave, as `told`, and not endless; None where nothing is left of it."""
        if not name or name in USUAL_NAMES:
            return name or None
        if _is_plain(name):
            for secret in self._texts:
                if secret in name:
                    break
            else:
                return name
        return self.told(name)[:_NAME_LENGTH] or None


def _is_plain(name: str) -> bool:
    """Nearly all names are: one short word of ASCII, with nothing in it that looks like a key."""
    if len(name) > _PLAIN_LENGTH or not name.isascii() or not name.isprintable() or " " in name:
        return False
    if "-" not in name:
        return True
    lower = name.lower()
    return "k-" not in lower and "y-" not in lower
