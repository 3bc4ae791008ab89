"""Texts with places for what is drawn: `Sum up {{count}} points about {{topic}}.`"""

import re
from collections.abc import Callable, Mapping
from random import Random

Draw = Callable[[Random], str]
"""A value of a variable."""

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def variables(template: str) -> list[str]:
    """The names in a template, in their order, each once."""
    return list(dict.fromkeys(_PLACE.findall(template)))


def filled(template: str, draws: Mapping[str, Draw], rng: Random) -> str:
    """The text with every variable drawn once. KeyError for one that is not known."""
    values = {name: draws[name](rng) for name in variables(template)}
    return _PLACE.sub(lambda place: values[place[1]], template)
