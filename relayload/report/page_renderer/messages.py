"""The messages to the renderer and its answers, in MessagePack."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from relayload.core.metrics.summary import Summary
from relayload.core.model.progress import Progress
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.charts import Charts
from relayload.core.resilience.guard import Caps


class Began(Struct, frozen=True, tag="began"):
    """A run has begun; what was told of another is over."""

    run: RunInfo
    profile: str | None = None
    """The effective profile, as YAML without keys."""
    caps: Caps = Caps()


class Told(Struct, frozen=True, tag="told"):
    """A snapshot of a process of the run, as it came."""

    snapshot: Raw


class Ended(Struct, frozen=True, tag="ended"):
    """The run is judged."""

    run: RunInfo
    summary: Summary
    verdict: Verdict
    charts: Charts | None


class Look(Struct, frozen=True, tag="look"):
    """Somebody looks: the one message that is answered."""

    name: str
    """The name of the profile."""
    target: str
    notices: tuple[str, ...] = ()
    progress: Progress | None = None
    """None before the first run, and once it is judged."""
    ending: bool = False
    """The load is over, and the verdict is not known yet."""
    files: tuple[str, ...] = ()
    """The files of the run that can be had."""


class Rendered(Struct, frozen=True, tag="rendered"):
    """The page, compressed by gzip."""

    whole: bytes
    sections: bytes
    cpu_s: float


class Failed(Struct, frozen=True, tag="failed"):
    """There is no page."""

    reason: str


Message = Began | Told | Ended | Look
Answer = Rendered | Failed


def encoded(message: Message | Answer) -> bytes:
    """Return a message as bytes."""
    return msgspec.msgpack.encode(message)


def message_of(data: bytes) -> Message:
    """Return the message to the renderer. Raises msgspec.ValidationError for one of another version."""
    read: Message = _MESSAGES.decode(data)
    return read


def answer_of(data: bytes) -> Answer:
    """Return the answer of the renderer."""
    read: Answer = _ANSWERS.decode(data)
    return read


_MESSAGES: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Message)
_ANSWERS: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Answer)
