"""What a plan promises an objective: whether a run that keeps to it has the samples for a PASS.

Independent requests are the best case. Those of a real run are slow together and tell less, so a plan with just
enough may still end INCONCLUSIVE; one with fewer always does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from relayload.core.traffic.plan import StagePlan
from relayload.core.verdict.objective import Objective, Tag
from relayload.core.verdict.stats import ENOUGH_FOR_A_MEAN, samples_needed, samples_to_resolve

_AMPLE = 1.2
"""With fewer samples than so many times what is needed, a few slow moments make them too few."""
_OF_STREAMS = ("ttft", "ttfo", "tpot", "chunk_gap")
_UNCOUNTED = ("chunk_gap", "breaker", "cost")
"""Metrics whose values are not one a request. In windows nobody knows how many requests there will be, either."""


class Outlook(StrEnum):
    """What can be said of an objective before the run."""

    AMPLE = "ample"
    SCARCE = "scarce"
    TOO_FEW = "too few"
    UNKNOWN = "unknown"


class Prospect(Struct, frozen=True, kw_only=True):
    """An objective with the samples that it gets and those that it needs. `samples` is None where nobody can say."""

    expr: str
    needed: int
    samples: int | None
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Sent:
    """What the requests of a scenario are: a part of them for each model, and how many for one arrival."""

    models: Mapping[str, float]
    per_arrival: float = 1.0
    streams: bool = True


def prospect(
    objective: Objective,
    stages: tuple[StagePlan, ...],
    scenarios: Mapping[str, Sent],
    targets: Mapping[str, float] | None = None,
) -> Prospect:
    """What the measured stages of a plan promise an objective; `targets` are the parts that several are sent."""
    needed = needed_samples(objective)
    part = sum(share for name, share in (targets or {"": 1.0}).items() if _admits(objective, "target", name))
    samples = _samples(objective, stages, scenarios, part)
    return Prospect(expr=objective.text, needed=needed, samples=samples, outlook=_outlook(needed, samples))


def needed_samples(objective: Objective) -> int:
    """The fewest independent samples with which the objective can be met for certain."""
    quantile, ceiling = objective.quantile, objective.op.ceiling
    if quantile is not None:
        return samples_needed(1 - quantile if ceiling else quantile, objective.terms.confidence)
    if objective.aggregate == "avg":
        return ENOUGH_FOR_A_MEAN
    if objective.metric in ("errors", "retries") and objective.aggregate == "rate" and ceiling:
        return samples_to_resolve(objective.limit)
    if objective.metric == "goodput" and objective.aggregate == "rate" and objective.op.floor:
        return samples_to_resolve(1 - objective.limit)
    return 1


def _samples(
    objective: Objective, stages: tuple[StagePlan, ...], scenarios: Mapping[str, Sent], part: float
) -> int | None:
    measured = [stage for stage in stages if not stage.warmup and not stage.cooldown]
    if (
        objective.metric in _UNCOUNTED
        or objective.terms.over_s is not None
        or any(stage.by_scenario is None for stage in measured)
    ):
        return None
    return round(
        sum(
            count * part * _part(objective, sent)
            for stage in measured
            if _admits(objective, "stage", stage.name)
            for name, count in (stage.by_scenario or {}).items()
            if _admits(objective, "scenario", name) and ((sent := scenarios[name]).streams or not _streamed(objective))
        )
    )


def _part(objective: Objective, sent: Sent) -> float:
    """Of one arrival, the requests whose model the objective is about."""
    weights = sent.models
    admitted = sum(weight for model, weight in weights.items() if _admits(objective, "model", model))
    return sent.per_arrival * admitted / sum(weights.values())


def _streamed(objective: Objective) -> bool:
    return objective.metric in _OF_STREAMS


def _admits(objective: Objective, name: str, value: str) -> bool:
    tags: tuple[Tag, ...] = objective.tagged(name)
    return all(tag.admits(value) for tag in tags)


def _outlook(needed: int, samples: int | None) -> Outlook:
    if samples is None:
        return Outlook.UNKNOWN
    if samples < needed:
        return Outlook.TOO_FEW
    return Outlook.SCARCE if needed > 1 and samples < _AMPLE * needed else Outlook.AMPLE
