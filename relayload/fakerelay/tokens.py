"""The words of generated answers, and what the chat format adds to the tokens of a prompt."""

from collections.abc import Iterator
from itertools import count

from msgspec.json import encode

MESSAGE_TOKENS = 4
"""The tokens that the chat format adds per message: three, and the role (OpenAI's rule for its chat models)."""
NAME_TOKENS = 1
"""The tokens that it adds for a name, beside those of the name itself."""
REPLY_TOKENS = 3
"""The tokens that it adds for the start of the answer."""
IMAGE_TOKENS = {"low": 85, "high": 765, "auto": 765}
"""The tokens of one image: OpenAI's flat count for a small one, and for one of 1024 x 1024 pixels."""

_VOCABULARY = """
{ the of and to in is for that it on with as be at by this from or an are was but not have which one you
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
need four café où π 数 Straße señor
"""
WORDS = tuple(f" {word}" for word in _VOCABULARY.split())
"""The words of answers, one token of o200k each. With STRIDE, successive words always differ."""


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
