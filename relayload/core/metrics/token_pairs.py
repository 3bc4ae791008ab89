"""The input tokens of audited answers, counted and reported, as a chart shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from relayload.core.model.audited import Audited

MOST_PAIRS = 80
"""So many pairs show where a line is, and what lies off it."""

Pair = tuple[int, int]
"""The tokens counted here, and those that the relay reported."""


@dataclass(frozen=True, slots=True)
class TokenPairs:
    """The pairs of one target and model, by the tokens that were counted."""

    target: str | None
    model: str
    pairs: tuple[Pair, ...]


def token_pairs(audited: Iterable[Audited], most: int = MOST_PAIRS) -> tuple[TokenPairs, ...]:
    """Return the distinct pairs of each target and model whose tokens were counted, evenly thinned out to so many."""
    found: dict[tuple[str | None, str], set[Pair]] = {}
    for answer in audited:
        if answer.counted_input is not None and answer.input_tokens is not None:
            pair = answer.counted_input, answer.input_tokens
            found.setdefault((answer.target, answer.model), set()).add(pair)
    return tuple(
        TokenPairs(target, model, _thinned(sorted(pairs), most))
        for (target, model), pairs in sorted(found.items(), key=lambda item: (item[0][0] or "", item[0][1]))
    )


def _thinned(pairs: list[Pair], most: int) -> tuple[Pair, ...]:
    """Return so many of the pairs at most, the first and the last among them."""
    if len(pairs) <= most:
        return tuple(pairs)
    return tuple(pairs[round(place * (len(pairs) - 1) / (most - 1))] for place in range(most))
