"""What an answer says where it is more than made-up words: its text, or its calls of functions, in tokens."""

from dataclasses import dataclass, replace
from itertools import islice

from relayload.fakerelay.shapes.pieces import pieces
from relayload.fakerelay.tokens import made_up
from relayload.fakerelay.wishes import CallWish, Wish


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens of one kind, one after another: the text, or the arguments of one call."""

    tokens: tuple[str, ...]
    function: str | None = None
    """The one that is called."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one token stands: in which stretch, and whether it begins it."""

    text: str
    stretch: int
    function: str | None
    is_first: bool


@dataclass(frozen=True, slots=True)
class Content:
    """All that an answer shows beside thoughts; with calls it has no text."""

    stretches: tuple[Stretch, ...]
    finish_reason: str
    top_logprobs: int | None = None

    @property
    def tokens(self) -> list[str]:
        """Of all stretches."""
        return [token for stretch in self.stretches for token in stretch.tokens]

    @property
    def calls(self) -> bool:
        """Whether it calls functions."""
        return self.stretches[0].function is not None

    @property
    def places(self) -> list[Place]:
        """Of all tokens."""
        return [
            Place(token, number, stretch.function, index == 0)
            for number, stretch in enumerate(self.stretches)
            for index, token in enumerate(stretch.tokens)
        ]

    def spread(self, words: list[str]) -> list[tuple[int, str | None, str]]:
        """Number, function and text of each stretch, made of these words, one for each token."""
        left = iter(words)
        return [
            (number, stretch.function, "".join(islice(left, len(stretch.tokens))))
            for number, stretch in enumerate(self.stretches)
        ]

    def within(self, limit: int) -> "Content":
        """Its first tokens, up to a limit."""
        if len(self.tokens) <= limit:
            return self
        kept: list[Stretch] = []
        left = limit
        for stretch in self.stretches:
            tokens = stretch.tokens[:left]
            left -= len(tokens)
            kept.extend([replace(stretch, tokens=tokens)] if tokens else [])
        return replace(self, stretches=tuple(kept), finish_reason="length")


def content_of(wish: Wish, start: int, count: int, finish_reason: str, *, exact: bool) -> Content:
    """What to say where `count` words would have been said, the first of them that of `start`.

    It is as long where the shape allows: JSON without open strings has its own length, or, if the length is to be
    exact, spaces behind it, which mean nothing there.
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
    return Content((Stretch(text),), finish_reason, wish.top_logprobs)


def _calls(wishes: tuple[CallWish, ...], start: int, count: int, least: int) -> tuple[Stretch, ...]:
    said = made_up(start)
    calls: list[Stretch] = []
    for index, wish in enumerate(wishes):
        taken = sum(len(call.tokens) for call in calls)
        share = (count - taken) // (len(wishes) - index)
        tokens = pieces(wish.arguments, share, said)
        calls.append(Stretch(_padded(tokens, share if least else 0), wish.name))
    return tuple(calls)


def _padded(tokens: tuple[str, ...], least: int) -> tuple[str, ...]:
    return tokens + (" ",) * (least - len(tokens))


def _until(tokens: tuple[str, ...], stop: tuple[str, ...]) -> tuple[str, ...] | None:
    """The tokens before the first of the stop sequences; None where there is none.

    Where nothing comes before it one empty token is left: writing the sequence took a token.
    """
    text = "".join(tokens)
    found = [place for each in stop if (place := text.find(each)) >= 0]
    if not found:
        return None
    end, kept = min(found), []
    for token in tokens:
        if end <= 0:
            break
        kept.append(token[:end])
        end -= len(token)
    return tuple(kept) or ("",)
