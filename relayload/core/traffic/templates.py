"""Text templates with random variables: `Sum up {{count}} points about {{topic}}.`"""

import re
from collections.abc import Callable, Mapping
from random import Random

Draw = Callable[[Random], str]
"""Draws a value of a variable."""

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def variables(template: str) -> list[str]:
    """Return the distinct variable names of a template in order."""
    return list(dict.fromkeys(_PLACE.findall(template)))


def filled(template: str, draws: Mapping[str, Draw], rng: Random) -> str:
    """Fill in a template, drawing every variable once. Raises KeyError for an unknown variable."""
    values = {name: draws[name](rng) for name in variables(template)}
    return _PLACE.sub(lambda place: values[place[1]], template)
