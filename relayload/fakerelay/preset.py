"""Presets: the configuration of a fake relay, written in YAML."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from relayload.core.errors import AuthorError
from relayload.core.errors import Fault as AuthorFault
from relayload.core.traffic.curves import LogNormal
from relayload.document import Document, load, parse, validate
from relayload.document.validation import nearest
from relayload.fakerelay.capacity import Capacity
from relayload.fakerelay.dialects import DialectName, Hints
from relayload.fakerelay.faults import AnyFault
from relayload.fakerelay.limits import Limit
from relayload.fakerelay.schema import KindName, Lengths, PresetPart, RequestKind, Share, Speeds, Times
from relayload.fakerelay.text_style import TextStyle

SUFFIX = ".yaml"


class Reasoning(PresetPart):
    """The share of an answer that is reasoning before the first visible token, by requested effort."""

    default: Share = 0.0
    minimal: Share = 0.1
    low: Share = 0.2
    medium: Share = 0.5
    high: Share = 0.8
    stream: bool = True
    """Whether thoughts are sent, as `reasoning_content`; a request may override it."""

    def share(self, effort: str | None) -> float:
        """Return the share of all output tokens. Efforts above `high` count as `high`."""
        shares = {
            "none": 0.0,
            "minimal": self.minimal,
            "low": self.low,
            "medium": self.medium,
            **dict.fromkeys(("high", "xhigh", "max"), self.high),
        }
        return shares.get(effort or "", self.default)


class ModelPreset(PresetPart):
    """One model that generates text."""

    ttft: dict[KindName, Times]
    """From the last byte of the request to the first token, by kind of request; `any` for kinds not named."""
    speed: Speeds
    output_tokens: dict[KindName, Lengths]
    images: bool = False
    reasoning: Reasoning = Reasoning()
    text: TextStyle | None = None
    """The distribution of its texts; None for words that follow from the number of the request."""

    @model_validator(mode="after")
    def _every_kind(self) -> Self:
        for name in ("ttft", "output_tokens"):
            kinds = getattr(self, name)
            absent = [kind for kind in self.kinds if kind.value not in kinds and "any" not in kinds]
            if absent:
                raise ValueError(f"{name} lacks {', '.join(absent)}: give each kind, or 'any' for the others")
        return self

    @property
    def kinds(self) -> tuple[RequestKind, ...]:
        """The kinds of requests that the model accepts."""
        return tuple(kind for kind in RequestKind if self.images or kind is not RequestKind.IMAGE_REASONING)

    def ttft_of(self, kind: RequestKind) -> LogNormal:
        return (self.ttft.get(kind.value) or self.ttft["any"]).distribution

    def length_of(self, kind: RequestKind) -> LogNormal:
        return (self.output_tokens.get(kind.value) or self.output_tokens["any"]).distribution


class EmbeddingPreset(PresetPart):
    """One embedding model."""

    latency: Times
    dimensions: Annotated[int, Field(ge=1, le=8192)] = 1536


class Preset(PresetPart):
    """The configuration of a relay."""

    name: str = ""
    description: str = ""
    seed: int = 1
    models: Annotated[dict[str, ModelPreset], Field(min_length=1)]
    embedding_models: dict[str, EmbeddingPreset] = Field(default_factory=dict)
    dialect: DialectName = "openai"
    hints: Hints = Hints()
    limits: tuple[Limit, ...] = ()
    capacity: Capacity | None = None
    faults: tuple[AnyFault, ...] = ()


def names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    shipped = files("relayload.fakerelay") / "presets"
    return sorted(file.name.removesuffix(SUFFIX) for file in shipped.iterdir() if file.name.endswith(SUFFIX))


def read(name: str, assignments: Sequence[str] = ()) -> Preset:
    """Read a preset by name or file, with `path=value` assignments applied. Raises AuthorError with every fault."""
    document = _document(name).override(assignments)
    strangers = tuple(_unknown_models(document))
    preset = validate(replace(document, faults=document.faults + strangers), Preset)
    return preset if preset.name else preset.model_copy(update={"name": Path(name).stem})


def _document(name: str) -> Document:
    if name in names():
        resource = files("relayload.fakerelay") / "presets" / f"{name}{SUFFIX}"
        return parse(resource.read_text(encoding="utf-8"), f"{name}{SUFFIX}")
    if "/" in name or name.endswith((SUFFIX, ".yml")) or Path(name).exists():
        return load(Path(name))
    raise AuthorError([AuthorFault(f"there is no preset '{name}'{nearest(name, names())}")])


def _unknown_models(document: Document) -> Iterator[AuthorFault]:
    """Find limits and faults for models that the preset does not have."""
    data = document.data if isinstance(document.data, dict) else {}
    known = {*_mapping(data.get("models")), *_mapping(data.get("embedding_models"))}
    for section in ("limits", "faults"):
        for index, item in enumerate(_sequence(data.get(section))):
            for position, model in enumerate(_sequence(_mapping(item).get("models"))):
                if model not in known:
                    location = (section, index, "models", position)
                    yield document.fault(location, f"unknown model '{model}'{nearest(str(model), known)}")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
