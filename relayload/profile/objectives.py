"""Pass conditions: the `objectives:` of a profile."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from relayload.core.verdict.catalog import METRICS
from relayload.core.verdict.grammar import parse
from relayload.core.verdict.objective import Objective
from relayload.profile.types import Part, spelled, text_like

_PATTERN = rf"^\s*({'|'.join(METRICS)})\s*(\{{[^{{}}]*\}})?\s*\.\s*\w+(\.\d+)?\s*(<=|>=|==|!=|<|>)\s*[^\s<>=!].*$"
_EXAMPLES = ("ttft.p99 < 800ms", "latency{scenario=simple}.p50 <= 2s", "errors.rate < 1%")


def _objective(text: object) -> Objective:
    if isinstance(text, Objective):
        return text
    if not isinstance(text, str):
        raise ValueError(f"expected an objective such as 'ttft.p99 < 800ms', got {spelled(text)}")
    return parse(text)


class ObjectiveEntry(Part):
    """A pass condition: its expression alone, or in a mapping."""

    short: ClassVar[str | None] = "expr"

    expr: Annotated[Objective, BeforeValidator(_objective), text_like(_PATTERN, *_EXAMPLES)]
    """What must hold: `metric{tag=value}.aggregate op value`."""
