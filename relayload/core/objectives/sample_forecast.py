"""The samples that a plan gives an objective, and whether they suffice for a PASS.

Independent requests are the best case. Those of a real run are correlated and worth less, so a plan with just enough
may still end INCONCLUSIVE; one with fewer always does.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Per
from relayload.core.objectives.objective import PERCENTILE, Objective, Tag
from relayload.core.objectives.statistics import ENOUGH_FOR_A_MEAN, samples_needed, samples_to_resolve
from relayload.core.traffic.plan import StagePlan

_FEW, _AMPLE_OF_FEW, _AMPLE = 100, 3.0, 1.2
"""Factors on the needed samples below which a few slow moments make them too few. Where few are needed, their effective
size is less certain."""
_STEEPEST = 2
"""No window of a ramp gets more than this many times the requests of an average one."""


class Outlook(StrEnum):
    """The forecast for an objective before the run."""

    AMPLE = "ample"
    SCARCE = "scarce"
    TOO_FEW = "too few"
    UNKNOWN = "unknown"


class SampleForecast(Struct, frozen=True, kw_only=True):
    """The samples that an objective gets and needs. `samples` is None where the number is unknown.

    With windows, `needed` is per window, and `samples` those of the poorest.
    """

    expr: str
    needed: int
    samples: int | None
    outlook: Outlook
    problem: str | None = None
    """Why it can never be decided, and what to change; None where it can."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The requests of a scenario: their weights by model, and their number per arrival."""

    models: Mapping[str, float]
    per_arrival: float = 1.0
    streams: bool = True


def sample_forecast(
    objective: Objective,
    stages: tuple[StagePlan, ...],
    scenarios: Mapping[str, Sent],
    targets: Mapping[str, float] | None = None,
) -> SampleForecast:
    """Forecast the samples of the measured stages of a plan; `targets` are the shares of several targets."""
    needed = needed_samples(objective)
    part = sum(share for name, share in (targets or {"": 1.0}).items() if _admits(objective, "target", name))
    admitted = [stage for stage in stages if _measured(stage) and _admits(objective, "stage", stage.name)]
    if objective.options.over_s is not None:
        return _in_windows(objective, needed, admitted, scenarios, part)
    samples = _samples(objective, admitted, scenarios, part)
    outlook = _outlook(needed, samples)
    few = outlook is Outlook.TOO_FEW
    problem = _few(objective, f"{needed:,} requests to be decided", f"{samples:,}") if few else None
    return SampleForecast(expr=objective.title, needed=needed, samples=samples, outlook=outlook, problem=problem)


def needed_samples(objective: Objective) -> int:
    """Return the fewest independent samples with which the objective can certainly be met."""
    if objective.aggregate == "avg":
        return ENOUGH_FOR_A_MEAN
    if objective.quantile is not None:
        return samples_needed(objective.budget, objective.options.confidence)
    if objective.aggregate == "rate" and objective.bounds_what_is_bad:
        return samples_to_resolve(objective.budget)
    return 1


def _measured(stage: StagePlan) -> bool:
    return not stage.warmup and not stage.cooldown


def _in_windows(
    objective: Objective, needed: int, stages: Sequence[StagePlan], scenarios: Mapping[str, Sent], part: float
) -> SampleForecast:
    over_s, wanted = objective.options.over_s or 0.0, objective.options.for_windows
    lasting_s = [stage.for_s * stage.times for stage in stages if stage.for_s is not None]
    counts = [_samples(objective, [stage], scenarios, part) for stage in stages]
    known = len(lasting_s) == len(stages)
    windows = int(math.fsum(lasting_s) / over_s + 1e-9)
    samples, problem = None, None
    if known and windows < wanted:
        problem = f"asks for {wanted} of its windows in a row, and the plan has {windows}: make them shorter"
    elif known and None not in counts:
        each = [(count or 0) * over_s / long_s for count, long_s in zip(counts, lasting_s, strict=True)]
        samples = int(min(each))
        if max(each) * _STEEPEST < needed:
            problem = _few(objective, f"{needed:,} requests in each of its windows", f"about {int(max(each)):,}")
    return SampleForecast(
        expr=objective.title,
        needed=needed,
        samples=samples,
        outlook=Outlook.TOO_FEW if problem else _outlook(needed, samples, least=Outlook.SCARCE),
        problem=problem,
    )


def _few(objective: Objective, needed: str, there: str) -> str:
    longer = "lengthen the measured stages" if objective.options.over_s is None else "lengthen the windows (over)"
    remedies = [longer, "raise the rates", *_smaller_asks(objective)]
    return f"needs {needed}, and the plan has {there}: {', '.join(remedies[:-1])}, or {remedies[-1]}"


def _smaller_asks(objective: Objective) -> Iterator[str]:
    """Yield changes that need fewer samples."""
    if PERCENTILE.fullmatch(objective.aggregate):
        yield f"ask for a {'lower' if objective.op.ceiling else 'higher'} percentile"
    elif objective.metric in ("errors", "retries") and objective.op.ceiling:
        yield f"allow more than {objective.limit * 100:g}%"
    elif objective.metric == "goodput":
        yield f"ask for less than {objective.limit * 100:g}%"


def _samples(
    objective: Objective, stages: Sequence[StagePlan], scenarios: Mapping[str, Sent], part: float
) -> int | None:
    """Return the samples of these stages that the tags admit; None where unknown."""
    if METRICS[objective.metric].per is not Per.REQUEST or any(stage.by_scenario is None for stage in stages):
        return None
    return round(
        sum(
            count * part * _part(objective, sent)
            for stage in stages
            for name, count in (stage.by_scenario or {}).items()
            if _admits(objective, "scenario", name) and ((sent := scenarios[name]).streams or not _streamed(objective))
        )
    )


def _part(objective: Objective, sent: Sent) -> float:
    """Return the requests per arrival whose model the objective admits."""
    weights = sent.models
    admitted = sum(weight for model, weight in weights.items() if _admits(objective, "model", model))
    return sent.per_arrival * admitted / sum(weights.values())


def _streamed(objective: Objective) -> bool:
    return METRICS[objective.metric].of_streams


def _admits(objective: Objective, name: str, value: str) -> bool:
    tags: tuple[Tag, ...] = objective.tagged(name)
    return all(tag.admits(value) for tag in tags)


def _outlook(needed: int, samples: int | None, least: Outlook = Outlook.TOO_FEW) -> Outlook:
    """Return the outlook; `least` applies to too few samples, since other windows may have enough."""
    if samples is None:
        return Outlook.UNKNOWN
    if samples < needed:
        return least
    ample = needed * (_AMPLE_OF_FEW if needed <= _FEW else _AMPLE)
    return Outlook.SCARCE if needed > 1 and samples < ample else Outlook.AMPLE
