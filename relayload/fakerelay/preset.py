"""Presets: what a fake relay is like, as people write it in YAML."""

from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from relayload.core.errors import AuthorError, Fault
from relayload.core.units import duration_s, fraction, rate_per_s
from relayload.document import Document, load, parse, validate
from relayload.document.validation import nearest
from relayload.fakerelay.latency import LogNormal

SUFFIX = ".yaml"


class Kind(StrEnum):
    """What a request asks for: reasoning relays answer some kinds faster than others."""

    SIMPLE = "simple"
    CODE = "code"
    MATH_PROOF = "math_proof"
    IMAGE_REASONING = "image_reasoning"


Duration = Annotated[float, BeforeValidator(lambda value: duration_s(str(value)))]
TokenRate = Annotated[float, BeforeValidator(lambda value: rate_per_s(str(value)))]
Share = Annotated[float, BeforeValidator(lambda value: fraction(str(value))), Field(ge=0, le=1)]


class Part(BaseModel):
    """Any part of a preset: unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Percentiles(Part):
    """Two percentiles, or one constant written as a bare value."""

    p50: float
    p99: float

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"p50": value, "p99": value}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 < self.p50 <= self.p99:
            raise ValueError("expected 0 < p50 <= p99")
        return self

    @cached_property
    def distribution(self) -> LogNormal:
        return LogNormal.through(self.p50, self.p99)


class Times(_Percentiles):
    p50: Duration
    p99: Duration


class Speeds(_Percentiles):
    """Tokens per second: `170/s`."""

    p50: TokenRate
    p99: TokenRate


class Lengths(_Percentiles):
    """Output tokens."""


KindName = Literal["simple", "code", "math_proof", "image_reasoning", "any"]


class Reasoning(Part):
    """How much of an answer is thought before the first visible token, by the effort that was asked for."""

    default: Share = 0.0
    minimal: Share = 0.1
    low: Share = 0.2
    medium: Share = 0.5
    high: Share = 0.8
    stream: bool = True
    """Whether the thoughts are sent, as `reasoning_content`; a request may ask otherwise."""

    def share(self, effort: str | None) -> float:
        shares = {"none": 0.0, "minimal": self.minimal, "low": self.low, "medium": self.medium, "high": self.high}
        return shares.get(effort or "", self.default)


class ModelPreset(Part):
    """One model."""

    ttft: dict[KindName, Times]
    """From the last byte of the request to the first token, by kind of request; `any` for kinds not named."""
    speed: Speeds
    output_tokens: dict[KindName, Lengths]
    images: bool = False
    reasoning: Reasoning = Reasoning()

    @model_validator(mode="after")
    def _every_kind(self) -> Self:
        for name in ("ttft", "output_tokens"):
            kinds = getattr(self, name)
            absent = [kind for kind in self.kinds if kind.value not in kinds and "any" not in kinds]
            if absent:
                raise ValueError(f"{name} lacks {', '.join(absent)}: give each kind, or 'any' for the others")
        return self

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Those the model answers."""
        return tuple(kind for kind in Kind if self.images or kind is not Kind.IMAGE_REASONING)

    def ttft_of(self, kind: Kind) -> LogNormal:
        return (self.ttft.get(kind.value) or self.ttft["any"]).distribution

    def length_of(self, kind: Kind) -> LogNormal:
        return (self.output_tokens.get(kind.value) or self.output_tokens["any"]).distribution


class Preset(Part):
    """A whole relay."""

    name: str = ""
    description: str = ""
    seed: int = 1
    models: Annotated[dict[str, ModelPreset], Field(min_length=1)]


def names() -> list[str]:
    """The presets that ship with the package."""
    shipped = files("relayload.fakerelay") / "presets"
    return sorted(file.name.removesuffix(SUFFIX) for file in shipped.iterdir() if file.name.endswith(SUFFIX))


def read(name: str, assignments: tuple[str, ...] = ()) -> Preset:
    """The preset of that name, or in that file, with `path=value` set. Raises AuthorError with every fault."""
    document = _document(name)
    if isinstance(document.data, dict):
        document.data.setdefault("name", Path(name).stem)
    return validate(document.override(assignments), Preset)


def _document(name: str) -> Document:
    if name in names():
        resource = files("relayload.fakerelay") / "presets" / f"{name}{SUFFIX}"
        return parse(resource.read_text(encoding="utf-8"), f"{name}{SUFFIX}")
    if "/" in name or name.endswith((SUFFIX, ".yml")) or Path(name).exists():
        return load(Path(name))
    raise AuthorError([Fault(f"there is no preset '{name}'{nearest(name, names())}")])
