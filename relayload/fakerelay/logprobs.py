"""Made-up probabilities of tokens: the one that was sent is the likeliest, and all of them add up to less than one."""

import math
from typing import Any

from relayload.fakerelay.tokens import STRIDE, WORDS

_LEAST, _SPAN = 0.4, 0.59
"""Of the probability of a token that was sent: from 0.4 to 0.99."""
_LEFT = 0.45
"""What the likeliest of the others has of the rest; each one after it has half of that."""


def likelihoods(token: str, place: int, top: int) -> list[tuple[str, float]]:
    """Tokens that might have stood at a place, and their logprobs, the likeliest first, which is the token itself."""
    share = _LEAST + _SPAN * (place * 0.618033988749895 % 1.0)
    found = [(token, _log(share))]
    rest, number = (1.0 - share) * _LEFT, place
    while len(found) < top:
        number += STRIDE
        other = WORDS[number % len(WORDS)]
        if other != token:
            found.append((other, _log(rest)))
            rest /= 2
    return found


def _log(share: float) -> float:
    return round(math.log(share), 6)


def chat_logprob(token: str, place: int, top: int) -> dict[str, Any]:
    """As chat completions and responses tell it."""
    told = [_entry(*each) for each in likelihoods(token, place, top)]
    return {**told[0], "top_logprobs": told[:top]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def completion_logprobs(tokens: list[tuple[int, str]], top: int, offset: int) -> dict[str, Any]:
    """As the format before chats tells it: of tokens with their places; `offset` is where their text begins."""
    offsets = []
    for _, token in tokens:
        offsets.append(offset)
        offset += len(token)
    told = [likelihoods(token, place, top) for place, token in tokens]
    return {
        "tokens": [token for _, token in tokens],
        "token_logprobs": [each[0][1] for each in told],
        "top_logprobs": [dict(each[:top]) for each in told] if top else None,
        "text_offset": offsets,
    }
