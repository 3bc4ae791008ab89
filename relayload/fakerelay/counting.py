"""Counts the tokens of texts, and splits texts into them, as OpenAI's models do: o200k, offline.

A text is counted word by word. No token reaches from a word over the space after it, since the pattern by which o200k
splits a text allows a space only before letters or marks, or in a run of white space. The counts of words are kept, so
that most texts need a look-up per word. Words that are not known yet need the vocabulary, which a relay begins to read
as it starts.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from functools import lru_cache

from relayload.core.audit.encodings import O200K
from relayload.core.traffic.prose import WORDS as WORDS_OF_PROMPTS
from relayload.fakerelay.tokens import WORDS
from relayload.vocabulary import encodable, encoding

_KEPT = 200_000
"""How many counts are kept."""
_GAPS = ("  ", "\n ", " \n", "\t", "\r", "\v", "\f")
"""White space that may share a token with a space beside it."""
_LONG_RUN = re.compile(r"((?:[^\W\d_]|[^\w\s\x00-\x7f]){512,}|(?:[^\w\s]|_){512,}|\s{512,})")
"""Characters that the pattern does not split. The time to merge them grows with the square of their number."""
_PART_OF_RUN = 256


def text_tokens(text: str) -> int:
    """Return the tokens of a text. Runs of over 512 letters, marks or blanks are counted in parts of 256."""
    if not text.isascii() or any(gap in text for gap in _GAPS):
        return len(_numbers(text))
    first, *others = text.split(" ")
    return (_beginning(first) if first else 0) + sum(map(_AFTER_A_SPACE.__getitem__, others))


def split_tokens(text: str) -> list[str]:
    """Return the texts of a text's tokens. Of a character in several tokens, all but the last one are empty."""
    decoder = getincrementaldecoder("utf-8")("replace")
    token_bytes = encoding(O200K).decode_bytes
    return [decoder.decode(token_bytes([number])) for number in _numbers(text)]


class _Counts(dict[str, int]):
    """The tokens of words after a space."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _KEPT:
            self.clear()
        self[word] = count = len(_numbers(f" {word}"))
        return count


def _known_words() -> Iterator[tuple[str, int]]:
    """Return words that are known to be one token, alone and at the end of a sentence."""
    for word in {*WORDS_OF_PROMPTS, *(word.strip() for word in WORDS)}:
        yield word, 1
        if word.isalpha():
            yield f"{word}.", 2


_AFTER_A_SPACE = _Counts(_known_words())
_WORDS_OF_PROMPTS = frozenset(WORDS_OF_PROMPTS)


@lru_cache(maxsize=10_000)
def _beginning(word: str) -> int:
    return 1 if word in _WORDS_OF_PROMPTS else len(_numbers(word))


def _numbers(text: str) -> list[int]:
    """Return the numbers of a text's tokens."""
    encode = encoding(O200K).encode_ordinary
    return [number for part in _parts(encodable(text)) for number in encode(part)]


def _parts(text: str) -> Iterator[str]:
    for index, part in enumerate(_LONG_RUN.split(text) if len(text) >= 2 * _PART_OF_RUN else (text,)):
        if index % 2 == 0:
            yield part
        else:
            yield from (part[start : start + _PART_OF_RUN] for start in range(0, len(part), _PART_OF_RUN))


def read_vocabulary() -> None:
    """Read the vocabulary, unless it has been read. What needs it meanwhile waits."""
    encoding(O200K)
