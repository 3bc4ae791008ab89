"""The content of an answer that is not just generated words: text or function calls, split into tokens."""

from dataclasses import dataclass, replace
from itertools import islice

from relayload.fakerelay.shapes.pieces import pieces
from relayload.fakerelay.tokens import made_up
from relayload.fakerelay.wishes import CallWish, Wish

_NO_JSON = "]}"


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
        return replace(self, segments=tuple(kept), finish_reason="length")


def content_of(wish: Wish, start: int, count: int, finish_reason: str, *, exact: bool) -> Content:
    """Return the content that replaces `count` generated words beginning with number `start`.

    It has the same length if possible. JSON without open strings has a fixed length; if the length must be exact, it is
    padded with trailing spaces, which are insignificant there.
    """
    least = count if exact else 0
    if wish.calls:
        calls = _calls(wish.calls, start, count, least)
        return Content(calls, "stop" if wish.names_call else "tool_calls", wish.top_logprobs)
    if wish.json is not None:
        text, finish_reason = _padded(pieces(wish.json.value, count, made_up(start)), least), "stop"
    else:
        text = tuple(islice(made_up(start), count))
    stopped = _until(text, wish.stop)
    if stopped is not None:
        text, finish_reason = stopped, "stop"
    return Content((Segment(text),), finish_reason, wish.top_logprobs)


def _calls(wishes: tuple[CallWish, ...], start: int, count: int, least: int) -> tuple[Segment, ...]:
    words = made_up(start)
    calls: list[Segment] = []
    for index, wish in enumerate(wishes):
        taken = sum(len(call.tokens) for call in calls)
        share = (count - taken) // (len(wishes) - index)
        tokens = pieces(wish.arguments, share, words)
        calls.append(Segment(_padded(tokens, share if least else 0), wish.name))
    return tuple(calls)


def _padded(tokens: tuple[str, ...], least: int) -> tuple[str, ...]:
    return tokens + (" ",) * (least - len(tokens))


def _until(tokens: tuple[str, ...], stop: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the tokens before the first stop sequence, or None if there is none.

    If nothing precedes it, one empty token is left, because writing the sequence took a token.
    """
    text = "".join(tokens)
    found = [position for each in stop if (position := text.find(each)) >= 0]
    if not found:
        return None
    end, kept = min(found), []
    for token in tokens:
        if end <= 0:
            break
        kept.append(token[:end])
        end -= len(token)
    return tuple(kept) or ("",)
