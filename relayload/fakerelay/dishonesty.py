"""Dishonest answers: well-formed, and not what was paid for. Ground truth for an audit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from relayload.fakerelay.counting import split_tokens, text_tokens
from relayload.fakerelay.fault import Fault
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.schema import Share
from relayload.fakerelay.text_style import TextStyle
from relayload.fakerelay.usage import Usage


class Dishonesty(Fault):
    """A fault that a look at the answer does not show."""

    changes_bytes: ClassVar[bool] = False

    def understood(self, parsed: ParsedRequest) -> ParsedRequest:
        """Return the request as it is answered."""
        return parsed

    def reported(self, usage: Usage) -> Usage:
        """Return the usage as it is told, given that of the whole request."""
        return usage


class InflatedUsage(Dishonesty):
    """More tokens are reported than there were, or fewer."""

    kind: Literal["inflated_usage"]
    input: Annotated[float, Field(gt=0)] = 1.0
    output: Annotated[float, Field(gt=0)] = 1.0

    def reported(self, usage: Usage) -> Usage:
        return replace(
            usage,
            input_tokens=round(usage.input_tokens * self.input),
            output_tokens=round(usage.output_tokens * self.output),
        )


class HiddenPrompt(Dishonesty):
    """A prompt that the client did not send is counted before its own."""

    kind: Literal["hidden_prompt"]
    tokens: Annotated[int, Field(ge=1)]

    def reported(self, usage: Usage) -> Usage:
        return replace(usage, input_tokens=usage.input_tokens + self.tokens)


class MisreportedCache(Dishonesty):
    """Cached tokens are reported whatever was sent before: a number of them, or a share of the input."""

    kind: Literal["misreported_cache"]
    tokens: Annotated[int, Field(ge=0)] | None = None
    share: Share | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.tokens is None) == (self.share is None):
            raise ValueError("expected exactly one of 'tokens' and 'share'")
        return self

    def reported(self, usage: Usage) -> Usage:
        cached = round(usage.input_tokens * (self.share or 0.0)) if self.tokens is None else self.tokens
        return replace(usage, cached_input_tokens=min(usage.input_tokens, cached))


class CutContext(Dishonesty):
    """The beginning of long prompts is forgotten: what is answered is their last tokens."""

    kind: Literal["cut_context"]
    tokens: Annotated[int, Field(ge=1)]
    """How many tokens of the texts are kept."""
    reports: Literal["whole", "cut"] = "whole"
    """Which input is counted."""

    def understood(self, parsed: ParsedRequest) -> ParsedRequest:
        kept = _last_tokens(parsed.texts, self.tokens)
        if kept == parsed.texts:
            return parsed
        lost = sum(map(text_tokens, parsed.texts)) - sum(map(text_tokens, kept))
        input_tokens = parsed.input_tokens - (lost if self.reports == "cut" else 0)
        return replace(parsed, texts=kept, input_tokens=input_tokens)


class SwappedModel(Dishonesty):
    """Another model answers: one with other texts, or one that gives its name."""

    kind: Literal["swapped_model"]
    text: TextStyle | None = None
    named: Annotated[str, Field(min_length=1)] | None = None
    """The model that the answer names; by default the one that was asked."""
    fingerprint: str | None = None
    """The `system_fingerprint` of chats and completions, instead of the usual one."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.text is None and self.named is None and self.fingerprint is None:
            raise ValueError("expected 'text', 'named' or 'fingerprint'")
        return self


class IgnoredField(Dishonesty):
    """A field of the request has no effect."""

    kind: Literal["ignored_field"]
    field: Literal["stop", "max_tokens", "logprobs", "seed", "tools", "response_format", "temperature"]
    """`max_tokens` stands for the newer names of the same, too, and `response_format` for `text.format`."""

    def understood(self, parsed: ParsedRequest) -> ParsedRequest:
        wish = parsed.wish
        match self.field:
            case "max_tokens":
                return replace(parsed, max_output_tokens=None)
            case "seed":
                return replace(parsed, seed=None)
            case "temperature":
                return replace(parsed, temperature=None)
            case _ if wish is None:
                return parsed
            case "stop":
                return replace(parsed, wish=replace(wish, stop=()))
            case "logprobs":
                return replace(parsed, wish=replace(wish, top_logprobs=None))
            case "tools":
                return replace(parsed, wish=replace(wish, calls=(), names_call=False))
            case "response_format":
                return replace(parsed, wish=replace(wish, json=None))


class WrongAnswer(Dishonesty):
    """What has a right answer is answered wrongly: sums, facts of a text, and what was told at its beginning."""

    kind: Literal["wrong_answer"]


@dataclass(frozen=True, slots=True)
class Dishonesties:
    """What those that strike one request do together. Where several say the same thing, the first does it."""

    all: tuple[Dishonesty, ...]

    @classmethod
    def among(cls, faults: Iterable[Fault]) -> Self:
        return cls(tuple(fault for fault in faults if isinstance(fault, Dishonesty)))

    def understood(self, parsed: ParsedRequest) -> ParsedRequest:
        """Return the request as it is answered."""
        for each in self.all:
            parsed = each.understood(parsed)
        return parsed

    def reported(self, usage: Usage) -> Usage:
        """Return the usage as it is told."""
        for each in self.all:
            usage = each.reported(usage)
        return usage

    @property
    def style(self) -> TextStyle | None:
        return next((swap.text for swap in self._swaps if swap.text), None)

    @property
    def named(self) -> str | None:
        return next((swap.named for swap in self._swaps if swap.named), None)

    @property
    def fingerprint(self) -> str | None:
        return next((swap.fingerprint for swap in self._swaps if swap.fingerprint), None)

    @property
    def answers_wrongly(self) -> bool:
        return any(isinstance(each, WrongAnswer) for each in self.all)

    @property
    def _swaps(self) -> Iterator[SwappedModel]:
        return (each for each in self.all if isinstance(each, SwappedModel))


def _last_tokens(texts: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return the end of the texts, of so many tokens."""
    kept: list[str] = []
    for text in reversed(texts):
        tokens = text_tokens(text)
        if tokens > count:
            return ("".join(split_tokens(text)[-count:]) if count else "", *reversed(kept))
        kept.append(text)
        count -= tokens
    return texts
