"""What one kind of request asks: a scenario of a profile."""

import re
from keyword import iskeyword
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from relayload.core.traffic.prompts import SETS
from relayload.document.validation import nearest
from relayload.profile.types import Count, Flag, Number, Part, Text

_SCENARIO_NAME = re.compile(r"[a-z][a-z0-9_-]*")


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
