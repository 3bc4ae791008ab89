"""The `objectives:` of a profile: pass conditions."""

import re
from functools import cached_property, lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, InstanceOf, model_validator

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit
from relayload.core.model.objective_options import NoData, ObjectiveOptions, Severity, TooFew
from relayload.core.objectives.grammar import meant, parse, with_options
from relayload.core.objectives.objective import Objective
from relayload.core.stats.sample import CONFIDENCE
from relayload.core.units import fraction
from relayload.document.spelling import spelled
from relayload.profile.types import Count, Duration, Flag, Part, PositiveDuration, text_like

_NUMBER = r"\d+(\.\d+)?"
_VALUES = {
    Unit.SECONDS: rf"({_NUMBER}\s*(ns|us|µs|ms|min|s|m|h)\s*)+",
    Unit.PER_SECOND: rf"{_NUMBER}\s*/\s*(s|sec|m|min|h|hour)",
    Unit.SHARE: rf"{_NUMBER}\s*%",
    Unit.USD: rf"\$?\s*{_NUMBER}",
    Unit.COUNT: _NUMBER,
    Unit.FACTOR: _NUMBER,
}


def _pattern() -> str:
    """Return a pattern of all objectives with the units of their limits, for a first check in editors."""
    alternatives: dict[str, list[str]] = {}
    for metric in METRICS.values():
        ops = "[<>]=?" if metric.distribution else "(<=|>=|==|!=|<|>)"
        for unit in dict.fromkeys(metric.aggregates.values()):
            names = [name for name, own in metric.aggregates.items() if own is unit]
            aggregates = "|".join(r"p\d{1,2}(\.\d+)?" if name == "pN" else name for name in names)
            value = rf"({_VALUES[unit]}|{_NUMBER})" if names == ["per_second"] else _VALUES[unit]
            alternatives.setdefault(rf"\s*\.\s*({aggregates})\s*{ops}\s*{value}", []).append(re.escape(metric.name))
    parts = (rf"({'|'.join(names)})\s*(\{{[^{{}}]*\}})?{rest}" for rest, names in alternatives.items())
    return rf"^\s*({'|'.join(parts)})\s*$"


_PATTERN = _pattern()
_EXAMPLES = ("ttft.p99 < 800ms", "latency{scenario=simple}.p50 <= 2s", "errors.rate < 1%")


def _objective(text: object) -> Objective:
    if isinstance(text, Objective):
        return text
    if not isinstance(text, str):
        raise ValueError(f"expected an objective such as 'ttft.p99 < 800ms', got {spelled(text)}")
    return _parsed(text)


@lru_cache(maxsize=1000)
def _parsed(text: str) -> Objective:
    """Parse an objective once, as both the checks and the whole profile need it."""
    return parse(text)


def _confidence(value: object) -> object:
    if value == _STRICT:
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected {_CONFIDENCES}, got {spelled(value)}")
    try:
        share = fraction(value)
    except ValueError:
        raise ValueError(f"expected {_CONFIDENCES}, got {spelled(value)}") from None
    if not _LEAST_CONFIDENCE <= share <= _MOST_CONFIDENCE:
        raise ValueError(f"expected {_CONFIDENCES}, between 50% and 99.99%, got '{value}'")
    return share


def _refuse_pair(entry: dict[str, object]) -> None:
    """Raise ValueError for an objective that a colon turned into a mapping."""
    (key,) = map(str, entry)
    if (likely := _meant_by(entry)) is not None:
        raise ValueError(f"expected one text: did you mean '{likely}'?")
    if not key.isidentifier():
        raise ValueError(f"expected one text such as '{_EXAMPLES[0]}', got a mapping of {spelled(key)}")


def _meant_by(entry: dict[str, object]) -> str | None:
    """Return the objective that a mapping of a metric to its limit stands for; None if nothing is likely."""
    ((key, limit),) = entry.items()
    if key in ObjectiveEntry.model_fields:
        return None
    limit = limit[0] if isinstance(limit, list) and limit else limit
    return meant(f"{key}: {limit}") or meant(f"{key} < {limit}")


_STRICT = "strict"
_CONFIDENCES = "a share such as '95%', or 'strict'"
_LEAST_CONFIDENCE, _MOST_CONFIDENCE = 0.5, 0.9999


class ObjectiveEntry(Part):
    """A pass condition: its expression alone, or in a mapping with its terms."""

    short: ClassVar[str | None] = "expr"

    expr: Annotated[InstanceOf[Objective], BeforeValidator(_objective), text_like(_PATTERN, *_EXAMPLES)]
    """What must hold: `metric{tag=value}.aggregate op value`."""
    id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """What reports call it; its expression where there is none."""
    over_s: PositiveDuration | None = None
    """The length of windows to judge it in, one by one; without it the measured stages are judged as one."""
    for_windows: Count = Field(1, alias="for")
    """How many windows in a row must be broken."""
    abort: Flag = False
    """Stop the run as soon as it is proven broken."""
    abort_after_s: Duration = 0.0
    """Do not stop the run earlier than this long after its start."""
    confidence: Annotated[
        float | Literal["strict"],
        BeforeValidator(_confidence),
        text_like(r"^\s*(strict|\d+(\.\d+)?\s*%)\s*$", "95%", "strict"),
    ] = CONFIDENCE
    """How sure a FAIL must be; under `strict` a PASS, too."""
    on_no_data: Literal["fail", "pass", "inconclusive"] = "fail"
    """What it comes to where nothing was measured."""
    on_too_few: Literal["inconclusive", "pass", "fail"] = "inconclusive"
    """What it comes to where fewer requests than 1 / budget leave it open, such as 50 for a p99 that holds."""
    severity: Literal["error", "warn"] = "error"
    """Whether it fails the run, or is only told."""

    @model_validator(mode="before")
    @classmethod
    def _in_one_piece(cls, value: Any) -> Any:
        """Refuse k6's mappings of a metric to its thresholds, `{http_req_duration: ['p(95)<500']}`."""
        if isinstance(value, dict) and len(value) == 1:
            _refuse_pair(value)
        return value

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        _ = self.objective
        return self

    @cached_property
    def objective(self) -> Objective:
        """The expression with its options."""
        options = ObjectiveOptions(
            id=self.id,
            over_s=self.over_s,
            for_windows=self.for_windows,
            abort=self.abort,
            abort_after_s=self.abort_after_s,
            confidence=CONFIDENCE if self.confidence == _STRICT else float(self.confidence),
            strict=self.confidence == _STRICT,
            on_no_data=NoData(self.on_no_data),
            on_too_few=TooFew(self.on_too_few),
            severity=Severity(self.severity),
        )
        return with_options(self.expr, options)
