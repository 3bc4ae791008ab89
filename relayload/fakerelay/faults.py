"""Faults: what goes wrong with a relay, and which requests that strikes."""

from collections.abc import Sequence
from random import Random
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relayload.fakerelay.dishonesty import (
    CutContext,
    HiddenPrompt,
    IgnoredField,
    InflatedUsage,
    MisreportedCache,
    SwappedModel,
    WrongAnswer,
)
from relayload.fakerelay.fault import Fault
from relayload.fakerelay.limits import Recent
from relayload.fakerelay.schema import Duration, Size


class InStream(Fault):
    """A fault after a number of tokens; by default in the middle."""

    after_tokens: Annotated[int, Field(ge=0)] | None = None

    def position(self, tokens: int) -> int:
        """Return after how many of `tokens` tokens it strikes."""
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
    """The relay stops listening: new connections are refused, idle ones closed, running requests completed."""

    kind: Literal["refuse_connection"]

    @model_validator(mode="after")
    def _window_only(self) -> Self:
        by_request = self.probability != 1.0 or self.requests or self.every != 1 or self.models or self.above
        if self.to is None or by_request:
            raise ValueError("a refused connection has no request: give 'from' and 'to', and nothing else")
        return self


class Reset(InStream):
    """A TCP reset when the first token was due, or in the middle of the answer."""

    kind: Literal["reset"]
    at: Literal["before", "middle"] = "before"


class SlowFirstToken(Fault):
    """The first token is delayed."""

    kind: Literal["slow_first_token"]
    delay: Duration


class Stall(InStream):
    """Silence in mid-answer, or only keep-alive comments."""

    kind: Literal["stall"]
    for_s: Annotated[Duration, Field(alias="for")]
    keep_alive: Duration | None = None
    """The time between comments; None sends none."""
    comment: Annotated[str, Field(pattern=r"^[^\r\n]*$")] = "keep-alive"


class Truncate(InStream):
    """The answer ends early but cleanly: a stream lacks `[DONE]` and finish reason, a body is too short."""

    kind: Literal["truncate"]


class ErrorEvent(InStream):
    """An error as an event of a stream that began with 200; nothing follows."""

    streams_only = True

    kind: Literal["error_event"]


class ErrorBody(Fault):
    """Status 200 with an error as the body."""

    kind: Literal["error_in_200"]


class MissingUsage(Fault):
    """The usage is missing although it was requested."""

    kind: Literal["missing_usage"]


class MalformedJson(InStream):
    """One event, or the body, is cut JSON."""

    kind: Literal["malformed_json"]


class InvalidOutput(Fault):
    """The JSON that the model writes does not parse: structured output, or the arguments of its last call."""

    kind: Literal["invalid_output"]


class Coalesce(Fault):
    """Several events come in one packet, when the last of them is due."""

    streams_only = True

    kind: Literal["coalesce"]
    events: Annotated[int, Field(ge=2)] = 4


class Fragment(Fault):
    """One event is split over many packets."""

    kind: Literal["fragment"]
    bytes: Annotated[int, Field(ge=1)] = 16
    """The size of one packet."""
    pause: Duration = 0.001


class SplitUtf8(InStream):
    """An event is split into two packets inside a character."""

    kind: Literal["split_utf8"]
    pause: Duration = 0.02


class Crlf(Fault):
    r"""Lines of the stream end with `\r\n`."""

    streams_only = True

    kind: Literal["crlf"]


class Buffered(Fault):
    """The stream is buffered on the way until it is complete."""

    streams_only = True

    kind: Literal["buffered"]


class WrongLength(Fault):
    """The Content-Length is wrong; the connection closes after the body."""

    kind: Literal["wrong_length"]
    by: int = 100
    """How many bytes too many are announced; negative for too few."""


class DuplicateChunk(InStream):
    """One event is sent twice."""

    streams_only = True

    kind: Literal["duplicate_chunk"]


class HugeChunk(InStream):
    """One event, or the body, contains a very long text."""

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
    | InvalidOutput
    | Coalesce
    | Fragment
    | SplitUtf8
    | Crlf
    | Buffered
    | WrongLength
    | DuplicateChunk
    | HugeChunk
    | InflatedUsage
    | HiddenPrompt
    | MisreportedCache
    | CutContext
    | SwappedModel
    | IgnoredField
    | WrongAnswer,
    Field(discriminator="kind"),
]


class FaultDraws:
    """Decides which faults strike which request. Each fault has its own draws, one per request."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = [fault for fault in faults if not isinstance(fault, RefuseConnection)]
        self._randoms = [Random(f"{seed}:fault:{index}") for index in range(len(self._faults))]
        self._arrivals = {rate: Recent(rate.window_s) for fault in self._faults if (rate := fault.above)}
        """The arrivals in each window that a fault looks at."""

    def strike(self, number: int, model: str, elapsed_s: float, *, stream: bool) -> tuple[Fault, ...]:
        """Return the faults that strike a request; `stream` if its answer is streamed."""
        if not self._faults:
            return ()
        for recent in self._arrivals.values():
            recent.add(elapsed_s)
        draws = [random.random() for random in self._randoms]
        return tuple(
            fault
            for fault, draw in zip(self._faults, draws, strict=True)
            if fault.strikes(number, model, elapsed_s, draw, self._arrived(fault))
            and (stream or not fault.streams_only)
        )

    def _arrived(self, fault: Fault) -> int:
        return 0 if fault.above is None else self._arrivals[fault.above].total
