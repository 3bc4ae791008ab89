"""Faults: what can go wrong with a relay, and when it does."""

from collections.abc import Sequence
from random import Random
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from relayload.fakerelay.schema import Duration, Part, Share, Size


class Fault(Part):
    """When a fault strikes: all that is said must hold, and nothing said means always."""

    streams_only: ClassVar[bool] = False
    """Whether it can't happen to an answer that is not streamed."""

    kind: str
    probability: Share = 1.0
    from_s: Annotated[Duration, Field(alias="from")] = 0.0
    """Since the relay's start or last reset."""
    to: Duration | None = None
    requests: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Numbers of requests; the first after the start or a reset is 1."""
    every: Annotated[int, Field(ge=1)] = 1
    models: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if self.to is not None and self.to <= self.from_s:
            raise ValueError("expected 'from' to be before 'to'")
        return self

    def in_window(self, elapsed_s: float) -> bool:
        return self.from_s <= elapsed_s and (self.to is None or elapsed_s < self.to)

    def strikes(self, number: int, model: str, elapsed_s: float, draw: float) -> bool:
        """Whether it hits a request, given a draw from [0, 1) of its own."""
        return (
            draw < self.probability
            and self.in_window(elapsed_s)
            and number % self.every == 0
            and (not self.requests or number in self.requests)
            and (not self.models or model in self.models)
        )


class InStream(Fault):
    """A fault after so many tokens; by default in the middle."""

    after_tokens: Annotated[int, Field(ge=0)] | None = None

    def position(self, tokens: int) -> int:
        """After how many of so many tokens."""
        return min(tokens, tokens // 2 if self.after_tokens is None else self.after_tokens)


class Status(Fault):
    """An error status in place of the answer."""

    kind: Literal["status"]
    status: Annotated[int, Field(ge=400, le=599)]
    body: Literal["dialect", "html", "text", "empty"] = "dialect"
    """`html` is the page of a proxy in front of the relay."""
    retry_after: Duration | None = None
    delay: Duration = 0.0


class RefuseConnection(Fault):
    """Nobody listens: new connections are refused, idle ones closed, requests under way served to the end."""

    kind: Literal["refuse_connection"]

    @model_validator(mode="after")
    def _window_only(self) -> Self:
        if self.to is None or self.probability != 1.0 or self.requests or self.every != 1 or self.models:
            raise ValueError("a refused connection has no request: give 'from' and 'to', and nothing else")
        return self


class Reset(InStream):
    """A TCP reset when the first token was due, or in the middle of the answer."""

    kind: Literal["reset"]
    at: Literal["before", "middle"] = "before"


class SlowFirstToken(Fault):
    """The first token comes so much later."""

    kind: Literal["slow_first_token"]
    delay: Duration


class Stall(InStream):
    """Silence in mid-answer, or only keep-alive comments."""

    kind: Literal["stall"]
    for_s: Annotated[Duration, Field(alias="for")]
    keep_alive: Duration | None = None
    """Between comments; without it there are none."""
    comment: Annotated[str, Field(pattern=r"^[^\r\n]*$")] = "keep-alive"


class Truncate(InStream):
    """The answer stops, in order: a stream without `[DONE]` and finish reason, a body short of its length."""

    kind: Literal["truncate"]


class ErrorEvent(InStream):
    """An error as an event of a stream that began with 200; nothing follows."""

    streams_only = True

    kind: Literal["error_event"]


class ErrorBody(Fault):
    """Status 200 with an error as the body."""

    kind: Literal["error_in_200"]


class MissingUsage(Fault):
    """No usage, though it was asked for."""

    kind: Literal["missing_usage"]


class MalformedJson(InStream):
    """One event, or the body, is cut JSON."""

    kind: Literal["malformed_json"]


class Coalesce(Fault):
    """Several events in one packet, when the last of them is due."""

    streams_only = True

    kind: Literal["coalesce"]
    events: Annotated[int, Field(ge=2)] = 4


class Fragment(Fault):
    """One event over many packets."""

    kind: Literal["fragment"]
    bytes: Annotated[int, Field(ge=1)] = 16
    """Of one packet."""
    pause: Duration = 0.001


class SplitUtf8(InStream):
    """Two packets that meet inside a character."""

    kind: Literal["split_utf8"]
    pause: Duration = 0.02


class Crlf(Fault):
    r"""Lines of the stream end with `\r\n`."""

    streams_only = True

    kind: Literal["crlf"]


class Buffered(Fault):
    """Something on the way holds the stream back until it is complete."""

    streams_only = True

    kind: Literal["buffered"]


class WrongLength(Fault):
    """A Content-Length that is not the body's; the connection closes after the body."""

    kind: Literal["wrong_length"]
    by: int = 100
    """Bytes more than there are, or less if negative."""


class DuplicateChunk(InStream):
    """One event twice."""

    streams_only = True

    kind: Literal["duplicate_chunk"]


class HugeChunk(InStream):
    """One event, or the body, with a very long text."""

    kind: Literal["huge_chunk"]
    size: Size = 1_000_000


AnyFault = Annotated[
    Status
    | RefuseConnection
    | Reset
    | SlowFirstToken
    | Stall
    | Truncate
    | ErrorEvent
    | ErrorBody
    | MissingUsage
    | MalformedJson
    | Coalesce
    | Fragment
    | SplitUtf8
    | Crlf
    | Buffered
    | WrongLength
    | DuplicateChunk
    | HugeChunk,
    Field(discriminator="kind"),
]


class FaultDraws:
    """Decides which faults hit which request; each fault has draws of its own, one for every request."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = [fault for fault in faults if not isinstance(fault, RefuseConnection)]
        self._randoms = [Random(f"{seed}:fault:{index}") for index in range(len(self._faults))]

    def strike(self, number: int, model: str, elapsed_s: float, *, stream: bool) -> tuple[Fault, ...]:
        """The faults that hit a request, whose answer is streamed or not."""
        if not self._faults:
            return ()
        draws = [random.random() for random in self._randoms]
        pairs = zip(self._faults, draws, strict=True)
        return tuple(
            fault
            for fault, draw in pairs
            if fault.strikes(number, model, elapsed_s, draw) and (stream or not fault.streams_only)
        )
