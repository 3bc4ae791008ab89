"""How much traffic comes, and when: the `load:` of a profile."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from relayload.document.validation import nearest
from relayload.profile.types import (
    Count,
    Duration,
    Flag,
    Items,
    Number,
    Part,
    PathText,
    PositiveDuration,
    Rate,
    spelled,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def _stage_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected letters, digits, '-', '_' and '.', got {spelled(name)}")
    return name


class Stretch(Part):
    """A stretch of time of any load. A warm-up is sent, but left out of the statistics."""

    name: Annotated[str, AfterValidator(_stage_name)] = ""
    """As tables and objectives (`{stage=...}`) name it."""
    for_s: PositiveDuration = Field(alias="for")
    """How long it lasts."""
    warmup: Flag = False
    """Whether it is left out of the statistics."""


class Stage(Stretch):
    """A stretch with one rate, or a ramp between two; without one in the replay of a trace."""

    rate_per_s: Rate | None = Field(None, alias="rate")
    """Arrivals per second, minute or hour; at the beginning, where `to` says how it ends."""
    to_per_s: Rate | None = Field(None, alias="to")
    """The rate at the end of a ramp."""


AnyStretch = TypeVar("AnyStretch", bound=Stretch)


def _named(stages: tuple[AnyStretch, ...]) -> tuple[AnyStretch, ...]:
    return tuple(
        stage if stage.name else stage.model_copy(update={"name": default_stage_name(number)})
        for number, stage in enumerate(stages)
    )


def default_stage_name(position: int) -> str:
    """Of a stage that the author gave none, by its position from 0."""
    return f"stage-{position + 1}"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a name that is too long
        return False


class Trace(Part):
    """Recorded traffic to send again: each row at its own time, with its own size."""

    trace: PathText
    """The file, found from the profile."""
    format: Literal["azure"]
    """What its columns are."""
    speed: Annotated[Number, Field(gt=0)] = 1.0
    """Seconds of the trace per second of the run."""
    limit: Count | None = None
    """The most rows to send."""

    def found_from(self, folder: Path) -> "Trace":
        """With its path as it lies from a folder, or from the working directory where it is only there."""
        beside = folder / self.trace
        found = self.trace if _is_there(self.trace) and not _is_there(beside) else beside
        return self.model_copy(update={"trace": found})


def _process(value: object) -> object:
    known = ("constant", "poisson", "{trace: FILE, format: azure}")
    if isinstance(value, str) and value not in known[:2]:
        raise ValueError(f"unknown arrivals '{value}'{nearest(value, known)}")
    return value


Arrivals = Annotated[
    Annotated[Literal["constant", "poisson"], BeforeValidator(_process), Tag("process")]
    | Annotated[Trace, Tag("Trace")],
    Discriminator(lambda value: "Trace" if isinstance(value, dict | Trace) else "process"),
]


class Limits(Part):
    """The most arrivals in any sliding second and any sliding minute, over all workers."""

    per_second: Count | None = None
    """In any sliding second."""
    per_minute: Count | None = None
    """In any sliding minute."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.per_second is None and self.per_minute is None:
            raise ValueError("expected per_second, per_minute or both")
        return self


class OpenLoad(Part):
    """Arrivals that keep coming, however slow the relay gets."""

    kind: Literal["open"]
    """Open: arrivals ignore responses. Closed: users wait for theirs."""
    arrivals: Arrivals = "poisson"
    """How arrivals are spread: `constant`, `poisson`, or the rows of a trace."""
    max_in_flight: Count = 1000
    """The most requests at once; an arrival that finds as many is dropped, and counted."""
    limits: Limits | None = None
    """The most arrivals, whatever the stages say."""
    stages: Annotated[Items[Stage], AfterValidator(_named)] = ()
    """One after the other; a replay ends with the last one or the last row."""
    graceful_stop_s: Duration = Field(30.0, alias="graceful_stop")
    """How long requests in flight may still take once the load has ended."""


class ClosedLoad(Part):
    """Users, each of whom waits for the answer, thinks, and asks again."""

    kind: Literal["closed"]
    """Open: arrivals ignore responses. Closed: users wait for theirs."""
    users: Count
    """How many, all the time."""
    think_time_s: Duration = Field(0.0, alias="think_time")
    """From an answer to the user's next request."""
    stages: Annotated[Items[Stretch], AfterValidator(_named)]
    """One after the other."""
    graceful_stop_s: Duration = Field(30.0, alias="graceful_stop")
    """How long requests in flight may still take once the load has ended."""


def _load(value: object) -> object:
    if not isinstance(value, dict | OpenLoad | ClosedLoad):
        raise ValueError(f"expected a mapping, got {spelled(value)}")
    return value


Load = Annotated[OpenLoad | ClosedLoad, Field(discriminator="kind"), BeforeValidator(_load)]
