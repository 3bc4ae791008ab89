"""What requests say: built-in prompts, one's own, and text of a given number of tokens.

The same random stream gives the same prompt, so whoever sends an arrival, given `Random(f"{seed}:{index}")`, says
the same. No two arrivals say the same: a prompt begins with a number drawn for it, so that neither a cache of whole
answers nor a cache of prompt prefixes, which both compare from the first token on, can answer. (A second run with
the same seed does repeat the first: take another seed where a relay caches for longer than between runs.)
"""

from random import Random
from statistics import fmean
from typing import Protocol

from relayload.core.traffic.prompt_sets import SETS

__all__ = ["CHAT_TOKENS", "SETS", "OwnText", "expected_tokens", "messages", "synthetic"]

CHAT_TOKENS = 7
"""What the chat format adds to one message (OpenAI's rule: 3 and the role, and 3 for the start of the answer)."""

_NONCE_TOKENS = 6
_CHARACTERS_PER_TOKEN = 4.35
"""Of the built-in prompts in the encoding o200k."""

_VOCABULARY = """
the of and to in is for that with as be at by this from or an are was but not have which one you all were she
there would their we him been has when who will more no if out so said what up its about into than them can only
other new some could time these two may then do first any my now such like our over man me even most made after
also did many before must through years where much your way well down should because each just those people how
too little state good very make world still own see men work long get here between both life being under never
day same another know while last might us great old year off come since against go came right used take three
small large house home water light night river road city town field window door table paper letter book story
word line page music voice sound color white black green red blue yellow warm cold summer winter spring rain
snow wind cloud stone wood iron gold silver glass bread fruit salt tea coffee market money price trade farm
horse bird fish tree leaf flower seed grass hill sea ship boat train station bridge street school teacher
student child family mother father friend king queen doctor north south east west early late near far open close
high low deep wide short strong weak quick slow heavy bright dark quiet clean rich young simple hard soft sweet
fresh dry full
"""
_WORDS = tuple(_VOCABULARY.split())
"""256 words that are one token each, at the start of a text and inside, in o200k and cl100k."""

_SENTENCE_TOKENS = 16
_STRIDE = 61
"""Coprime to the number of words: a sentence holds none twice."""
_SENTENCES = tuple(
    " ".join(_WORDS[(first + place * _STRIDE) % len(_WORDS)] for place in range(_SENTENCE_TOKENS - 1)) + "."
    for first in range(len(_WORDS))
)
"""256 of them, so that a random byte draws one: text costs a few microseconds per thousand tokens."""


class OwnText(Protocol):
    """A prompt that its author wrote."""

    @property
    def text(self) -> str: ...


def messages(prompt: str | OwnText | None, input_tokens: int | None, rng: Random) -> list[dict[str, str]]:
    """The chat messages of one request: a prompt of a built-in set, or one's own.

    With `input_tokens` they have about that many, the chat format included: a prompt is followed by made-up context,
    and without a prompt all is made up. A prompt longer than that stays whole.
    """
    return [{"role": "user", "content": _content(prompt, input_tokens, rng)}]


def synthetic(tokens: int, rng: Random) -> str:
    """Text of so many tokens in o200k and cl100k: sentences of common words, one token each."""
    sentences, rest = divmod(tokens, _SENTENCE_TOKENS)
    pieces = [_SENTENCES[byte] for byte in rng.randbytes(sentences)]
    pieces += rng.choices(_WORDS, k=rest)
    return " ".join(pieces)


def expected_tokens(prompt: str | OwnText) -> float:
    """Mean tokens of a request with that prompt, the chat format included; an estimate from its length."""
    texts = SETS[prompt] if isinstance(prompt, str) else (prompt.text,)
    return CHAT_TOKENS + _NONCE_TOKENS + fmean(map(_estimated_tokens, texts))


def _content(prompt: str | OwnText | None, input_tokens: int | None, rng: Random) -> str:
    if prompt is None:
        if input_tokens is None:
            raise ValueError("neither a prompt nor a number of tokens")
        return synthetic(max(1, input_tokens - CHAT_TOKENS), rng)
    text = rng.choice(SETS[prompt]) if isinstance(prompt, str) else prompt.text
    content = f"Request {rng.randrange(10**9):09d}.\n\n{text}"
    if input_tokens is None:
        return content
    missing = input_tokens - CHAT_TOKENS - _NONCE_TOKENS - round(_estimated_tokens(text))
    return f"{content}\n\n{synthetic(missing, rng)}" if missing > 0 else content


def _estimated_tokens(text: str) -> float:
    return len(text) / _CHARACTERS_PER_TOKEN
