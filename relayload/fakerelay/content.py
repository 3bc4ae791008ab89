"""The content of an answer that is not just generated words: text or function calls, split into tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from relayload.fakerelay.counting import split_tokens
from relayload.fakerelay.shapes.pieces import pieces
from relayload.fakerelay.wishes import CallWish, Wish

_NO_JSON = "]}"
_BLANKS = ("\r", "\t")
"""White space that no token of several characters begins with, as long as it alternates."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of tokens of one kind: the text, or the arguments of one call."""

    tokens: tuple[str, ...]
    function: str | None = None
    """The function that is called; None for text."""


@dataclass(frozen=True, slots=True)
class TokenPosition:
    """The position of one token: its segment, and whether it is the first token of it."""

    text: str
    segment: int
    function: str | None
    is_first: bool


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that an answer contains beside thoughts. With calls it has no text."""

    segments: tuple[Segment, ...]
    finish_reason: str
    top_logprobs: int | None = None
    stopped_by: str | None = None
    """The stop sequence that ended it."""

    @property
    def tokens(self) -> list[str]:
        """The tokens of all segments."""
        return [token for segment in self.segments for token in segment.tokens]

    @property
    def calls(self) -> bool:
        """Whether it contains function calls."""
        return self.segments[0].function is not None

    @property
    def positions(self) -> list[TokenPosition]:
        """The positions of all tokens."""
        return [
            TokenPosition(token, number, segment.function, index == 0)
            for number, segment in enumerate(self.segments)
            for index, token in enumerate(segment.tokens)
        ]

    def spread(self, words: list[str]) -> list[tuple[int, str | None, str]]:
        """Return number, function and text of each segment, given one word per token."""
        left = iter(words)
        return [
            (number, segment.function, "".join(islice(left, len(segment.tokens))))
            for number, segment in enumerate(self.segments)
        ]

    @property
    def spoilt(self) -> "Content":
        """The content with another last token, so that its JSON does not parse."""
        *others, last = self.segments
        return replace(self, segments=(*others, replace(last, tokens=(*last.tokens[:-1], _NO_JSON))))

    def within(self, limit: int) -> "Content":
        """Return the content cut to at most `limit` tokens."""
        if len(self.tokens) <= limit:
            return self
        kept: list[Segment] = []
        left = limit
        for segment in self.segments:
            tokens = segment.tokens[:left]
            left -= len(tokens)
            kept.extend([replace(segment, tokens=tokens)] if tokens else [])
        return replace(self, segments=tuple(kept), finish_reason="length", stopped_by=None)


Words = Callable[[], Iterator[str]]
"""Begins a text of words, endless and the same each time."""


def content_of(
    wish: Wish, words: Words, count: int, finish_reason: str, *, exact: bool = False, answer: str | None = None
) -> Content:
    """Return the content that replaces `count` of the words, or an answer of its own length in its place.

    It has the same length if possible. JSON without open strings has a fixed length; if the length must be exact, it is
    padded with white space, which is insignificant there.
    """
    least = count if exact else 0
    if wish.calls:
        calls = _calls(wish.calls, words, count, least)
        return Content(calls, "stop" if wish.names_call else "tool_calls", wish.top_logprobs)
    if answer is not None:
        text, finish_reason = tuple(split_tokens(answer)), "stop"
    elif wish.json is not None:
        text, finish_reason = _padded(_json(wish.json.value, count, words), least), "stop"
    else:
        text = tuple(islice(words(), count))
    end, stopped_by = _first_stop("".join(text), wish.stop)
    if stopped_by is not None:
        text, finish_reason = _until(text, end), "stop"
    return Content((Segment(text),), finish_reason, wish.top_logprobs, stopped_by)


def _calls(wishes: tuple[CallWish, ...], words: Words, count: int, least: int) -> tuple[Segment, ...]:
    calls: list[Segment] = []
    for index, wish in enumerate(wishes):
        taken = sum(len(call.tokens) for call in calls)
        share = (count - taken) // (len(wishes) - index)
        tokens = _json(wish.arguments, share, words)
        calls.append(Segment(_padded(tokens, share if least else 0), wish.name))
    return tuple(calls)


def _json(value: Any, count: int, words: Words) -> tuple[str, ...]:
    """Return a value as JSON in `count` tokens if it has open strings to fill, else in as many as it takes.

    A piece of JSON may be several tokens, and several may be one. A word more is a token more, so the second attempt
    has the right length.
    """
    tokens = split_tokens("".join(pieces(value, count, words())))
    if len(tokens) != count:
        tokens = split_tokens("".join(pieces(value, 2 * count - len(tokens), words())))
    return tuple(tokens)


def _padded(tokens: tuple[str, ...], least: int) -> tuple[str, ...]:
    """Return the tokens and so much white space, of which each character is a token of its own."""
    missing = least - len(tokens)
    return tokens + tuple(islice(cycle(_BLANKS), missing)) if missing > 0 else tokens


def _first_stop(text: str, stop: tuple[str, ...]) -> tuple[int, str | None]:
    """Return where the first stop sequence begins, and which it is; None if there is none."""
    return min(((position, each) for each in stop if (position := text.find(each)) >= 0), default=(0, None))


def _until(tokens: tuple[str, ...], end: int) -> tuple[str, ...]:
    """Return the tokens of the first `end` characters.

    If there are none, one empty token is left, because writing the stop sequence took a token.
    """
    kept: list[str] = []
    for token in tokens:
        if end <= 0:
            break
        kept.extend(split_tokens(token[:end]) if end < len(token) else [token])
        end -= len(token)
    return tuple(kept) or ("",)
