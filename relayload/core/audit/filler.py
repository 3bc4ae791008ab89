"""Prose of about so many tokens, that says nothing and is never the same twice."""

from random import Random

TOKENS_A_SENTENCE = 14
"""On average, by o200k_base."""

_WHO = ("The gardener", "My aunt", "A clerk", "The younger of the twins", "Our driver", "The new tenant", "A ferryman")
_DID = ("counted", "painted", "forgot", "repaired", "carried away", "described", "sold", "looked for", "wrapped up")
_WHAT = ("the baskets", "an old chair", "three windows", "the blue bicycle", "a box of nails", "the curtains", "a map")
_WHERE = ("behind the mill", "near the harbour", "in the attic", "on the long bench", "by the canal", "at the market")
_WHEN = ("before lunch", "on a grey Monday", "late in March", "while it snowed", "after the concert", "without a word")


def filler(tokens: int, random: Random) -> str:
    """Return sentences of so many tokens in all, by about a tenth."""
    return " ".join(_sentence(random) for _ in range(max(1, tokens // TOKENS_A_SENTENCE)))


def _sentence(random: Random) -> str:
    who, did, what, where, when = (random.choice(each) for each in (_WHO, _DID, _WHAT, _WHERE, _WHEN))
    return f"{who} {did} {what} {where} {when}."
