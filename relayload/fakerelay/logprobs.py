"""Generated token probabilities: the token that was sent is the likeliest, and all add up to less than one."""

import math
from typing import Any

from relayload.fakerelay.tokens import STRIDE, WORDS

_LEAST, _SPAN = 0.4, 0.59
"""The probability of a token that was sent lies between 0.4 and 0.99."""
_LEFT = 0.45
"""The likeliest alternative's share of the remaining probability; each further one gets half as much."""


def likelihoods(token: str, place: int, top: int) -> list[tuple[str, float]]:
    """Return the token and its alternatives at a place, with logprobs, the likeliest (the token itself) first."""
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
    """Return a token's logprobs in the format of chat completions and responses."""
    entries = [_entry(*each) for each in likelihoods(token, place, top)]
    return {**entries[0], "top_logprobs": entries[:top]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def completion_logprobs(tokens: list[tuple[int, str]], top: int, offset: int) -> dict[str, Any]:
    """Return logprobs in the legacy format, for (place, token) pairs; `offset` is where their text begins."""
    offsets = []
    for _, token in tokens:
        offsets.append(offset)
        offset += len(token)
    entries = [likelihoods(token, place, top) for place, token in tokens]
    return {
        "tokens": [token for _, token in tokens],
        "token_logprobs": [each[0][1] for each in entries],
        "top_logprobs": [dict(each[:top]) for each in entries] if top else None,
        "text_offset": offsets,
    }
