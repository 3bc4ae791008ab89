"""Texts of a known distribution, so that two models can differ by a known amount.

Each word is drawn from a few, which depend on the style, the prompt and the word's place alone. The words of a style at
a distance are drawn from the same ones, but with that probability from others, which have no character in common with
them at any place. So the total variation between the two is exactly the distance, at every word and at every
character, as long as the temperature is 1.
"""

from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Annotated

from pydantic import Field

from relayload.fakerelay.schema import PresetPart, Share

_VOCABULARY = """
area draw drop even flag flat flow from gray heat icon into item keep open over plan play plot plus scan shop show
slot snap span star step stop swap user when wrap year
"""
_OTHER_VOCABULARY = """
back ball band bank base bill call card case core land lane like line link live lock mail make mark mode more move
name none rank role roll tail take task tick tile time type void
"""
WORDS = tuple(f" {word}" for word in _VOCABULARY.split())
OTHER_WORDS = tuple(f"_{word}" for word in _OTHER_VOCABULARY.split())
"""Words of five characters and one token each, as the others, with other characters at each place."""
_SHARES = (0.40, 0.25, 0.15, 0.10, 0.06, 0.04)
"""How often each of the words at a place is drawn: 2.2 bits a word."""
_STRIDE = 5
"""The step between the words at one place, so that they are less alike than neighbours in the alphabet."""


class TextStyle(PresetPart):
    """The distribution of a model's texts: that of a name, or one at a distance from it."""

    style: Annotated[str, Field(min_length=1)]
    distance: Share = 0.0
    """The total variation at each place between this and the style of the same name without a distance."""

    def words(self, prompt: str, temperature: float, draws: Random) -> Iterator[str]:
        """Yield words without end. At temperature 0 they are the likeliest ones, whatever is drawn."""
        places = Random(f"{self.style}:{prompt}")
        if temperature == 0:
            likeliest = 0 if self.distance <= 0.5 else len(_SHARES)
            while True:
                yield _at_a_place(places)[likeliest]
        shares = list(accumulate(share ** (1 / temperature) for share in self._shares))
        while True:
            yield draws.choices(_at_a_place(places), cum_weights=shares)[0]

    @property
    def _shares(self) -> list[float]:
        """Return how often each of the words at a place is drawn at temperature 1, over that of the likeliest."""
        shares = [share * part for part in (1 - self.distance, self.distance) for share in _SHARES]
        return [share / max(shares) for share in shares]


def _at_a_place(places: Random) -> list[str]:
    """Return the words that may stand at the next place: those of the style, then the others."""
    own, other = places.randrange(len(WORDS)), places.randrange(len(OTHER_WORDS))
    numbers = [index * _STRIDE for index in range(len(_SHARES))]
    return [WORDS[(own + number) % len(WORDS)] for number in numbers] + [
        OTHER_WORDS[(other + number) % len(OTHER_WORDS)] for number in numbers
    ]
