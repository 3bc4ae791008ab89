"""What a relay says of an error, without the secrets that it may repeat."""

import re
from collections.abc import Iterable

_HIDDEN = "***"
_SHORTEST = 8
"""Header values that are shorter hide nothing."""
_SHORTEST_KEY = 4
"""A shorter key guards nothing, and may be a part of many words."""
_KEYS = re.compile(r"\b(?:sk|rk|pk|key)-[\w*-]{4,}|(?<=bearer )\S{8,}", re.IGNORECASE)
"""What looks like a key: a relay may repeat one of its own, too."""


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
        printable = "".join(letter if letter.isprintable() else " " for letter in self.hidden_in(text))
        return " ".join(printable.split())
