"""What the prompts of a scenario are made of."""

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Tag

from relayload.core.traffic.prompt_sets import SETS
from relayload.document.validation import nearest
from relayload.profile.types import Part, Text


class PromptText(Part):
    """A prompt of one's own."""

    text: Text


def _built_in(name: str) -> str:
    if name not in SETS:
        raise ValueError(f"unknown prompt '{name}'{nearest(name, [*SETS, '{text: ...}'])}")
    return name


def _kind(value: object) -> str:
    if isinstance(value, Part):
        return type(value).__name__
    return "PromptText" if isinstance(value, dict) else "set"


Prompt = Annotated[
    Annotated[str, AfterValidator(_built_in), Tag("set")] | Annotated[PromptText, Tag("PromptText")],
    Discriminator(_kind),
]
"""`simple`, `{text: ...}`."""
