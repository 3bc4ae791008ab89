"""Generates text of an exact number of tokens, cut from one long text, which is cheap at any length."""

from array import array
from random import Random

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
WORDS = tuple(_VOCABULARY.split())
"""256 words that are one token each in o200k and cl100k, both at the start of a text and inside."""

_SENTENCE_WORDS = 15
_SENTENCE_TOKENS = _SENTENCE_WORDS + 1
_FIRST_SENTENCES = 1024
_HEAD_WORDS = 8
_STARTS = 4096
"""The number of sentences that a text may begin with."""


class Prose:
    """An endless text, the same for the same seed, generated on demand."""

    def __init__(self, seed: str) -> None:
        self._rng = Random(seed)
        self._text = ""
        self._ends = array("q")
        """The position at which each token ends in the text."""

    def beginning(self, tokens: int) -> str:
        """Return the first `tokens` tokens: a longer beginning continues a shorter one."""
        return self._cut(0, tokens)

    def unique(self, tokens: int, rng: Random) -> str:
        """Return a text with a unique head, continued from a random position."""
        head = " ".join(rng.choices(WORDS, k=min(tokens, _HEAD_WORDS)))
        rest = tokens - _HEAD_WORDS
        if rest <= 0:
            return head
        start = rng.randrange(_STARTS) * _SENTENCE_TOKENS
        return f"{head} {self._cut(start, rest)}"

    def prepare(self, tokens: int) -> None:
        """Generate in advance enough for texts of this many tokens."""
        self._reach(_STARTS * _SENTENCE_TOKENS + tokens)

    def _cut(self, start: int, tokens: int) -> str:
        if tokens <= 0:
            return ""
        self._reach(start + tokens)
        begin = self._ends[start - 1] + 1 if start else 0
        return self._text[begin : self._ends[start + tokens - 1]]

    def _reach(self, tokens: int) -> None:
        while tokens > len(self._ends):
            self._grow()

    def _grow(self) -> None:
        """Double the length of the text."""
        sentences = max(_FIRST_SENTENCES, len(self._ends) // _SENTENCE_TOKENS)
        pieces = [self._text] if self._text else []
        at = len(self._text)
        for _ in range(sentences):
            words = self._rng.choices(WORDS, k=_SENTENCE_WORDS)
            for word in words:
                at += len(word) + (at > 0)
                self._ends.append(at)
            at += 1
            self._ends.append(at)
            pieces.append(" ".join(words) + ".")
        self._text = " ".join(pieces)
