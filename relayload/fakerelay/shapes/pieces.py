"""Splits JSON into pieces, as a model would write it token by token."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec.json import encode

from relayload.fakerelay.shapes.sample import OpenString


def pieces(value: Any, count: int, words: Iterator[str]) -> tuple[str, ...]:
    """Return the value as JSON in `count` pieces if it has open strings to fill, else in as many as needed."""
    shortest = _written(value, [])
    fills: list[list[str]] = []
    open_strings = [piece for piece in shortest if isinstance(piece, OpenString)]
    spare = max(len(open_strings), count - len(shortest) + len(open_strings))
    for index, each in enumerate(open_strings):
        share = spare // len(open_strings) + (index < spare % len(open_strings))
        fills.append(_filled(each, share, words))
    left = iter(fills)
    return tuple(text for piece in shortest for text in (next(left) if isinstance(piece, OpenString) else (piece,)))


def _filled(string: OpenString, count: int, words: Iterator[str]) -> list[str]:
    """Return an open string filled with `count` words, or more if it must be longer."""
    taken = [word.lstrip() if index == 0 else word for index, word in enumerate(islice(words, count))]
    length = sum(map(len, taken))
    while length < string.least_length:
        taken.append(next(words))
        length += len(taken[-1])
    written = [encode(word).decode()[1:-1] for word in taken]
    return ['"' + written[0], *written[1:-1], written[-1] + '"'] if len(written) > 1 else [f'"{written[0]}"']


def _written(value: Any, out: list[str | OpenString]) -> list[str | OpenString]:
    if isinstance(value, OpenString):
        out.append(value)
    elif isinstance(value, dict) and value:
        for index, (name, each) in enumerate(value.items()):
            out.append(("{" if index == 0 else ",") + encode(name).decode() + ":")
            _written(each, out)
        out.append("}")
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            out.append("[" if index == 0 else ",")
            _written(each, out)
        out.append("]")
    else:
        out.append(encode(value).decode())
    return out
