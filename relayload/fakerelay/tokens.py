"""Counts prompt tokens and generates answer tokens without a tokenizer."""

from collections.abc import Iterator
from itertools import count

from msgspec.json import encode

MESSAGE_TOKENS = 3
"""The tokens that the chat format adds per message (OpenAI's rule for its chat models)."""
REPLY_TOKENS = 3
"""The tokens that it adds for the start of the answer."""
IMAGE_TOKENS = {"low": 85, "high": 765, "auto": 765}
"""The tokens of one image: OpenAI's flat count for a small one, and for one of 1024 x 1024 pixels."""

_PUNCTUATION = '.,;:!?()[]{}"=\n'


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text: words and punctuation marks, plus one per one or two non-ASCII letters.

    Words are counted as spaces plus one, so prompts of plain words have one token per word. The result is at least one
    token per eight characters, so that text without spaces counts, too. It takes one pass in C per mark.
    """
    if not text:
        return 0
    pieces = 1 + text.count(" ") + sum(map(text.count, _PUNCTUATION))
    beyond_ascii = 0 if text.isascii() else (len(text.encode("utf-8", "surrogatepass")) - len(text)) // 3
    return max(pieces, len(text) // 8) + beyond_ascii


_VOCABULARY = """
{word} the of and to in is for that it on with as be at by this from or an are was but not have which one you
all were her she there would their we him been has when who will more no if out so said what up its about into
than them can only other new some could time these two may then do first any my now such like our over man me
even most made after also did many before must through years where much your way well down should because each
just those people how too little state good very make world still own see men work long get here between both
life being under never day same another know while last might us great old year off come since against go came
right used take three states himself few house use during without again place American around however home small
found thought went say part once general high upon school every don does got united left number course war until
always away something fact water though less public put think almost hand enough far took head yet government
system better set told nothing night end why called didn eyes find going look asked later knew point next
program city business give group toward young days let room within side social given present several order
national possible rather second face per among form important often things looked early white case large big
need four café naïve π 数 Straße señor
"""
WORDS = tuple(f" {word}" for word in _VOCABULARY.split())
"""The words of answers, one token each. With STRIDE, successive words always differ."""


JSON_WORDS = tuple(encode(word)[1:-1] for word in WORDS)
"""The words as written in JSON strings."""
STRIDE = 7
"""The step from one word to the next."""


def words(start: int, count: int) -> list[str]:
    """Return generated words: the same for the same start, and never the same twice in a row."""
    return [WORDS[(start + index * STRIDE) % len(WORDS)] for index in range(count)]


def made_up(start: int) -> Iterator[str]:
    """Yield the same words endlessly."""
    for index in count(start, STRIDE):
        yield WORDS[index % len(WORDS)]
