"""Pass conditions: the `objectives:` of a profile."""

from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from relayload.core.verdict.grammar import parse
from relayload.core.verdict.objective import Objective
from relayload.profile.types import Part, spelled


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
