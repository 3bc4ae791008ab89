"""A profile: everything that traffic is, as pydantic models. Keys of the YAML are the aliases where there are any.

What one model can't judge alone (a target against the guardrails, a stage against its load) is in `checks`.
"""

import json
import re
from hashlib import sha256
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    model_validator,
)

from relayload.core.traffic.prompts import SETS
from relayload.core.verdict.objective import Objective, parse
from relayload.core.wire.request import Timeouts
from relayload.document.validation import nearest
from relayload.profile.generator import GeneratorBounds
from relayload.profile.target import Guardrails, Target
from relayload.profile.types import (
    Count,
    Duration,
    Flag,
    Integer,
    Items,
    Number,
    Part,
    PositiveDuration,
    Rate,
    Text,
    spelled,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SCENARIO_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def _stage_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected letters, digits, '-', '_' and '.', got {spelled(name)}")
    return name


class Stretch(Part):
    """A stretch of time of any load. A warm-up is sent, but left out of the statistics."""

    name: Annotated[str, AfterValidator(_stage_name)] = ""
    for_s: PositiveDuration = Field(alias="for")
    warmup: Flag = False


class Stage(Stretch):
    """A stretch with one rate, or a ramp between two; without one in the replay of a trace."""

    rate_per_s: Rate | None = Field(None, alias="rate")
    to_per_s: Rate | None = Field(None, alias="to")


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


def _path(text: object) -> object:
    if isinstance(text, str) and (not text or not text.isprintable()):
        raise ValueError("expected the path of a file")
    return text


class Trace(Part):
    """Recorded traffic to send again: each row at its own time, with its own size."""

    trace: Annotated[Path, BeforeValidator(_path)]
    format: Literal["azure"]
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
    per_minute: Count | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.per_second is None and self.per_minute is None:
            raise ValueError("expected per_second, per_minute or both")
        return self


class OpenLoad(Part):
    """Arrivals that keep coming, however slow the relay gets."""

    kind: Literal["open"]
    arrivals: Arrivals = "poisson"
    max_in_flight: Count = 1000
    limits: Limits | None = None
    stages: Annotated[Items[Stage], AfterValidator(_named)] = ()
    graceful_stop_s: Duration = Field(30.0, alias="graceful_stop")
    """How long requests in flight may still take once the load has ended."""


class ClosedLoad(Part):
    """Users, each of whom waits for the answer, thinks, and asks again."""

    kind: Literal["closed"]
    users: Count
    think_time_s: Duration = Field(0.0, alias="think_time")
    stages: Annotated[Items[Stretch], AfterValidator(_named)]
    graceful_stop_s: Duration = Field(30.0, alias="graceful_stop")
    """How long requests in flight may still take once the load has ended."""


def _load(value: object) -> object:
    if not isinstance(value, dict | OpenLoad | ClosedLoad):
        raise ValueError(f"expected a mapping, got {spelled(value)}")
    return value


Load = Annotated[OpenLoad | ClosedLoad, Field(discriminator="kind"), BeforeValidator(_load)]


class PromptText(Part):
    """A prompt of one's own."""

    text: Text


def _built_in(name: str) -> str:
    if name not in SETS:
        raise ValueError(f"unknown prompt '{name}'{nearest(name, [*SETS, '{text: ...}'])}")
    return name


Prompt = Annotated[
    Annotated[str, AfterValidator(_built_in), Tag("set")] | Annotated[PromptText, Tag("PromptText")],
    Discriminator(lambda value: "PromptText" if isinstance(value, dict | PromptText) else "set"),
]


def _weight(weight: float) -> float:
    if weight <= 0:
        raise ValueError(f"expected a number above 0, got '{weight:g}'; leave out a scenario that is not to be sent")
    return weight


class Scenario(Part):
    """One kind of request."""

    weight: Annotated[Number, AfterValidator(_weight)] = 1.0
    model: Text
    prompt: Prompt | None = None
    """A built-in set's name or a text; None in the replay of a trace, whose rows say how long prompts are."""
    stream: Flag = True
    max_output_tokens: Count | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None


_DEFAULT_TIMEOUTS = Timeouts()


class ClientTimeouts(Part):
    """How long one attempt may take; null is without end. A bare duration is the total."""

    connect: PositiveDuration | None = _DEFAULT_TIMEOUTS.connect_s
    first_token: PositiveDuration | None = _DEFAULT_TIMEOUTS.first_token_s
    gap: PositiveDuration | None = _DEFAULT_TIMEOUTS.gap_s
    total: PositiveDuration | None = _DEFAULT_TIMEOUTS.total_s

    @model_validator(mode="before")
    @classmethod
    def _total(cls, value: Any) -> Any:
        return value if isinstance(value, dict | ClientTimeouts) else {"total": value}


class Client(Part):
    """How requests are sent."""

    timeout: ClientTimeouts = ClientTimeouts()


def _objective(text: object) -> Objective:
    if isinstance(text, Objective):
        return text
    if not isinstance(text, str):
        raise ValueError(f"expected an objective such as 'ttft.p99 < 800ms', got {spelled(text)}")
    return parse(text)


class ObjectiveEntry(Part):
    """A pass condition: its expression alone, or in a mapping."""

    expr: Annotated[Objective, BeforeValidator(_objective)]

    @model_validator(mode="before")
    @classmethod
    def _expression(cls, value: Any) -> Any:
        return value if isinstance(value, dict | ObjectiveEntry) else {"expr": value}


def _profile_name(name: str) -> str:
    if not name.isprintable() or not name.strip() or "/" in name or len(name) > 100:
        raise ValueError("expected a short name in one line, without '/'")
    return name


def _scenario_name(name: str) -> str:
    if not _SCENARIO_NAME.fullmatch(name):
        raise ValueError(f"expected a name of a-z, 0-9, '-' and '_' that begins with a letter, got '{name}'")
    if iskeyword(class_name(name)):
        raise ValueError(f"'{name}' can't name a class: choose another name")
    return name


def class_name(scenario: str) -> str:
    """Of the user class that sends a scenario."""
    return scenario.replace("-", "_")


def _some_scenarios(value: object) -> object:
    if value == {}:
        raise ValueError("at least one is needed, such as simple: {model: o3, prompt: simple}")
    return value


Scenarios = Annotated[
    dict[Annotated[str, AfterValidator(_scenario_name)], Scenario],
    BeforeValidator(_some_scenarios),
]


class Profile(Part):
    """A whole profile. `relayload.profile.load` reads one; a model made by hand has not been checked as a whole."""

    name: Annotated[str, AfterValidator(_profile_name)]
    seed: Integer = 0
    target: Target = Target()
    driver: Literal["native", "openai"] = "native"
    load: Load
    scenarios: Scenarios
    client: Client | None = None
    objective_entries: Items[ObjectiveEntry] = Field((), alias="objectives")
    generator: GeneratorBounds = GeneratorBounds()
    guardrails: Guardrails = Guardrails()

    _source: Path = PrivateAttr(default=Path())
    _effective: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return tuple(entry.expr for entry in self.objective_entries)

    @property
    def timeouts(self) -> Timeouts:
        timeout = self.client.timeout if self.client else ClientTimeouts()
        return Timeouts(timeout.connect, timeout.first_token, timeout.gap, timeout.total)

    @property
    def source(self) -> Path:
        """The file it was read from."""
        return self._source

    @property
    def effective(self) -> dict[str, Any]:
        """The content of the file with variables and overrides in place and secrets as `***`, to be dumped as YAML."""
        return self._effective

    @property
    def sha256(self) -> str:
        """Of the effective content, in the order it was written: scenarios are drawn in that order."""
        canonical = json.dumps(self._effective, ensure_ascii=False, separators=(",", ":"))
        return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    def read_from(self, source: Path, effective: dict[str, Any]) -> Self:
        """This profile, knowing where it comes from; the path of a trace is found from there."""
        profile = self.model_copy(update={"load": _found_from(self.load, source.parent)})
        profile._source = source
        profile._effective = effective
        return profile


def _found_from(load: OpenLoad | ClosedLoad, folder: Path) -> OpenLoad | ClosedLoad:
    if not isinstance(load, OpenLoad) or not isinstance(load.arrivals, Trace):
        return load
    return load.model_copy(update={"arrivals": load.arrivals.found_from(folder)})
