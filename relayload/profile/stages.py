"""The `stages:` of a load as they are written, and the plain stages that they stand for."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Annotated, Any, Protocol, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from relayload.core.traffic import stages as core
from relayload.document.spelling import spelled
from relayload.profile.types import Count, Flag, Items, Part, PositiveDuration, Rate, not_empty

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

MOST_STEPS = 1000

TRACE_STAGE = "trace"
"""The name of the only stage of a replay without stages."""

BATCH_STAGE = "batch"
"""The name of the only stage of a batch load."""


def _stage_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected letters, digits, '-', '_' and '.', got {spelled(name)}")
    return name


StageName = Annotated[str, AfterValidator(_stage_name)]


class TimedStage(Part):
    """A stretch of time of any load. A warm-up and a cool-down are sent, but left out of the statistics."""

    name: StageName = ""
    """As tables and objectives (`{stage=...}`) name it."""
    for_s: PositiveDuration
    """How long it lasts."""
    warmup: Flag = False
    """Whether it is left out of the statistics, since the relay is not warm yet."""
    cooldown: Flag = False
    """Whether it is left out of the statistics, since the load is ending."""

    def named(self, places: Iterator[int]) -> Self:
        """Return the stage with a name."""
        position = next(places)
        name = self.name or default_stage_name(position)
        return self.model_copy(update={"name": name})


class Stage(TimedStage):
    """A stretch with one rate, or a ramp between two, or steps; without one in the replay of a trace."""

    rate_per_s: Rate | None = None
    """Arrivals per second, minute or hour; at the beginning, where `to` says how it ends."""
    to_per_s: Rate | None = None
    """The rate at the end of a ramp, or of the last step."""
    steps: Annotated[Count, Field(ge=2, le=MOST_STEPS)] | None = None
    """As many stretches of the same length instead of a ramp, the first with one rate and the last with the other."""

    @property
    def plain(self) -> Iterator[core.Stage]:
        """The plain stages that it stands for."""
        rate_per_s = self.rate_per_s or 0.0
        if self.steps is None or self.to_per_s is None:
            yield core.Stage(self.name, self.for_s, rate_per_s, self.to_per_s, self.warmup, self.cooldown)
            return
        rise_per_s = (self.to_per_s - rate_per_s) / (self.steps - 1)
        for number, name in enumerate(step_names(self.name, self.steps)):
            step_per_s = rate_per_s + number * rise_per_s
            yield core.Stage(name, self.for_s / self.steps, step_per_s, None, self.warmup, self.cooldown)


class Pause(Part):
    """A stretch in which nothing is sent."""

    name: StageName = ""
    """As tables and objectives (`{stage=...}`) name it."""
    pause: PositiveDuration
    """How long nothing is sent; what is in flight goes on."""

    def named(self, places: Iterator[int]) -> Self:
        """Return the pause with a name."""
        position = next(places)
        name = self.name or default_stage_name(position, pause=True)
        return self.model_copy(update={"name": name})

    @property
    def plain(self) -> Iterator[core.Stage]:
        """The plain stage that it stands for."""
        yield core.Stage(self.name, self.pause, pause=True)


def _kind(value: object) -> str:
    if isinstance(value, Part):
        return type(value).__name__
    if isinstance(value, dict):
        if "repeat" in value or "stages" in value:
            return "Repeated"
        return "Pause" if "pause" in value else "Stage"
    return "Stage"


def _not_repeated(value: object) -> object:
    if _kind(value) == "Repeated":
        raise ValueError("a repeat within a repeat: write its stages out")
    return value


Once = Annotated[
    Annotated[Stage, Tag("Stage")] | Annotated[Pause, Tag("Pause")],
    Discriminator(lambda value: "Pause" if _kind(value) == "Pause" else "Stage"),
    BeforeValidator(_not_repeated),
]
"""A stage that is no repetition of others."""


class Repeated(Part):
    """Stages that come again, in their order. Their statistics are those of all rounds together."""

    repeat: Annotated[Count, Field(ge=2, le=10_000)]
    """How often they are sent in all."""
    stages: Annotated[Items[Once], AfterValidator(not_empty)]
    """One after the other, each round."""

    def named(self, places: Iterator[int]) -> Self:
        """Return it with names for its stages."""
        return self.model_copy(update={"stages": tuple(stage.named(places) for stage in self.stages)})

    @property
    def plain(self) -> Iterator[core.Stage]:
        """The plain stages that it stands for."""
        for _ in range(self.repeat):
            for stage in self.stages:
                yield from stage.plain


AnyStage = Annotated[
    Annotated[Stage, Tag("Stage")] | Annotated[Pause, Tag("Pause")] | Annotated[Repeated, Tag("Repeated")],
    Discriminator(_kind),
]
"""`{for: 1m, rate: 5/s}`, `{pause: 10s}` or `{repeat: 3, stages: [...]}`."""


class _Nameable(Protocol):
    def named(self, places: Iterator[int]) -> Self: ...


Named = TypeVar("Named", bound=_Nameable)


def named(stages: tuple[Named, ...]) -> tuple[Named, ...]:
    """Name the stages that have no name by their position among all that are written."""
    places = count()
    return tuple(stage.named(places) for stage in stages)


def default_stage_name(position: int, *, pause: bool = False) -> str:
    """Return the name of a stage without one, by its position from 0."""
    return f"{'pause' if pause else 'stage'}-{position + 1}"


def step_names(name: str, steps: int) -> list[str]:
    """Return the names of the steps of a stage."""
    return [f"{name}.{number}" for number in range(1, steps + 1)]


def written_stages(stages: Sequence[Any]) -> Iterator[tuple[tuple[int | str, ...], dict[str, Any]]]:
    """Yield the location and content of each stage of a document, including those inside repetitions.

    The content is empty where it has not the shape of a stage.
    """
    for number, stage in enumerate(stages):
        inner = stage.get("stages") if isinstance(stage, dict) else None
        if isinstance(inner, list):
            yield from (((number, "stages", *place), spec) for place, spec in written_stages(inner))
        else:
            yield (number,), stage if isinstance(stage, dict) else {}


def written_names(spec: dict[str, Any], position: int) -> list[str]:
    """Return the names of the plain stages that a stage of a document stands for."""
    name = str(spec.get("name") or default_stage_name(position, pause="pause" in spec))
    steps = spec.get("steps")
    return step_names(name, steps) if isinstance(steps, int) and 2 <= steps <= MOST_STEPS else [name]


def plain(stages: Sequence[Stage | Pause | Repeated]) -> tuple[core.Stage, ...]:
    """Return the plain stages that those of a profile stand for."""
    return tuple(each for stage in stages for each in stage.plain)


def expected_arrivals(stages: Sequence[Stage | Pause | Repeated]) -> float:
    """Return the mean number of arrivals, which is the area under the rates."""
    return sum(map(_expected, stages))


def _expected(stage: Stage | Pause | Repeated) -> float:
    if isinstance(stage, Repeated):
        return stage.repeat * expected_arrivals(stage.stages)
    if isinstance(stage, Pause) or stage.rate_per_s is None:
        return 0.0
    return stage.for_s * (stage.rate_per_s + (stage.rate_per_s if stage.to_per_s is None else stage.to_per_s)) / 2
