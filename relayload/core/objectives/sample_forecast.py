"""The samples that a plan gives an objective, and whether they suffice to decide it, and to prove a PASS.

It takes 1 / budget requests to decide a share, and about three times as many to prove that it is met (under `strict` a
PASS takes that proof). Independent requests are the best case. Those of a real run are correlated and worth less, so a
plan with just enough for a proof may still end without one; one with fewer always does.
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Asked, Per
from relayload.core.model.objective_options import TooFew
from relayload.core.objectives.objective import PERCENTILE, Objective, Tag
from relayload.core.objectives.statistics import ENOUGH_FOR_A_MEAN, samples_needed, samples_to_resolve
from relayload.core.objectives.tag_filter import joined
from relayload.core.objectives.time_slots import is_whole, windows
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.plan import StagePlan
from relayload.core.traffic.stages import Stage

_FEW, _AMPLE_OF_FEW, _AMPLE = 100, 3.0, 1.2
"""Factors on the samples of a proof below which a few slow moments make them too few. Where few are needed under
`strict`, three times as many, since their effective size is less certain."""
_STEEPEST = 2
"""No window of a ramp gets more than this many times the requests of an average one."""


KeyShares = Callable[[str], Mapping[str, float]]
"""Returns the shares of a target's keys in a stage; empty if they have no names."""
Parts = Callable[[str], float]
"""Returns the part of a stage's requests that an objective admits, by their target and key."""
_UNNAMED = MappingProxyType({"": 1.0})
"""The share of a target or a key without a name."""


class Outlook(StrEnum):
    """The forecast for an objective before the run."""

    AMPLE = "ample"
    SCARCE = "scarce"
    """Enough to decide it, but perhaps too few to prove that it is met."""
    TOO_FEW = "too few"
    """Too few to decide it, or under `strict` to prove it."""
    UNKNOWN = "unknown"


class SampleForecast(Struct, frozen=True, kw_only=True):
    """The samples that an objective gets and needs. `samples` is None where the number is unknown.

    With windows, `needed` and `to_prove` are per window, and `samples` those of the poorest in which something is due.
    """

    expr: str
    needed: int
    """The fewest with which it can PASS whatever chance does."""
    to_prove: int
    """The fewest with which a PASS can be proven."""
    samples: int | None
    strict: bool = False
    """Only a proven PASS passes."""
    outlook: Outlook
    problem: str | None = None
    """Why it can never be decided, and what to change; None where it can."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The requests of a scenario: their weights by model, their number per arrival, and what they ask for."""

    models: Mapping[str, float]
    per_arrival: float = 1.0
    asked: frozenset[Asked] = frozenset({Asked.STREAM})


class WindowTally:
    """Counts the arrivals of a schedule in the windows of an objective, by the position of their scenario."""

    def __init__(self, objective: Objective, stages: Sequence[Stage]) -> None:
        """Cut the windows. Raises ValueError if a stage has no end."""
        over_s = objective.options.over_s
        assert over_s is not None
        edges = list(pairwise(accumulate((stage.for_s for stage in stages), initial=0.0)))
        if not math.isfinite(edges[-1][1]):
            raise ValueError("the windows of a stage without an end can't be counted")
        self._admitted = [stage.measured and _admits(objective, "stage", stage.name) for stage in stages]
        rows = joined(edge for edge, admitted in zip(edges, self._admitted, strict=True) if admitted)
        cut = [edge for row in rows for edge in windows(*row, over_s)]
        self._begins_at_s = [begins_at_s for begins_at_s, _ in cut]
        self.whole = [is_whole(*edge, over_s) for edge in cut]
        """Whether each window has the full length."""
        self.counts: list[Counter[int]] = [Counter() for _ in cut]

    def add(self, arrival: Arrival) -> None:
        if self._admitted[arrival.stage]:
            number = max(0, bisect_right(self._begins_at_s, arrival.intended_at_s) - 1)
            self.counts[number][arrival.scenario] += 1


class Wording(NamedTuple):
    """What has too few samples, and how an author gets more."""

    plan: str = "the plan"
    lengthen: str = "lengthen the measured stages"
    raise_rates: str = "raise the rates"


OF_A_PLAN = Wording()


def sample_forecast(
    objective: Objective,
    stages: tuple[StagePlan, ...],
    scenarios: Mapping[str, Sent],
    targets: Mapping[str, float] | None = None,
    tally: WindowTally | None = None,
    keys: Mapping[str, KeyShares] = MappingProxyType({}),
    wording: Wording = OF_A_PLAN,
) -> SampleForecast:
    """Forecast the samples of the measured stages of a plan; `targets` are the shares of several targets, and `keys`
    by target those of its keys.

    `tally` has counted the arrivals in the windows of the objective. Without it, those of a stage are taken to be
    spread evenly.
    """
    if never_asked := _never_asked(objective, scenarios, wording):
        return _forecast(objective, 0, never_asked)
    parts = partial(_routed, objective, targets or _UNNAMED, keys)
    admitted = [stage for stage in stages if _measured(stage) and _admits(objective, "stage", stage.name)]
    if objective.options.over_s is not None:
        if tally is not None and METRICS[objective.metric].per is Per.REQUEST:
            return _tallied(
                objective, tally, scenarios, max((parts(stage.name) for stage in admitted), default=0.0), wording
            )
        return _in_windows(objective, admitted, scenarios, parts, wording)
    samples = _samples(objective, admitted, scenarios, parts)
    few = _outlook(objective, samples) is Outlook.TOO_FEW
    problem = _few(objective, _requests_needed(objective), f"{samples:,}", wording) if few else None
    return _forecast(objective, samples, problem)


def _never_asked(objective: Objective, scenarios: Mapping[str, Sent], wording: Wording) -> str | None:
    """Return that no scenario asks for what the objective is about; None if one does."""
    asked = METRICS[objective.metric].asked
    admitted = [sent for name, sent in scenarios.items() if _admits(objective, "scenario", name)]
    if asked is None or not admitted or any(asked in sent.asked for sent in admitted):
        return None
    return f"needs requests for {asked.value}, and {wording.plan} has 0: {_HOW_TO_ASK[asked]}"


_HOW_TO_ASK: Mapping[Asked, str] = MappingProxyType(
    {
        Asked.STREAM: "write stream: true, in a scenario that is not of embeddings",
        Asked.TOOLS: "give a scenario 'tools'",
        Asked.SCHEMA: "give a scenario a 'response_format' with a JSON schema",
    }
)


def needed_samples(objective: Objective) -> int:
    """Return the fewest independent samples with which the objective can be met: decided, or under `strict` proven."""
    if objective.options.strict:
        return samples_to_prove(objective)
    if objective.options.on_too_few is not TooFew.INCONCLUSIVE:
        return 1
    if objective.aggregate == "avg":
        return ENOUGH_FOR_A_MEAN
    return samples_to_resolve(objective.budget) if _is_share(objective) else 1


def samples_to_prove(objective: Objective) -> int:
    """Return the fewest independent samples that can prove that the objective is met; 1 for facts."""
    if objective.aggregate == "avg":
        return ENOUGH_FOR_A_MEAN
    return samples_needed(objective.budget, objective.options.confidence) if _is_share(objective) else 1


def _is_share(objective: Objective) -> bool:
    return objective.quantile is not None or (objective.aggregate == "rate" and objective.bounds_what_is_bad)


def _forecast(
    objective: Objective, samples: int | None, problem: str | None, least: Outlook = Outlook.TOO_FEW
) -> SampleForecast:
    return SampleForecast(
        expr=objective.title,
        needed=needed_samples(objective),
        to_prove=samples_to_prove(objective),
        samples=samples,
        strict=objective.options.strict,
        outlook=Outlook.TOO_FEW if problem else _outlook(objective, samples, least),
        problem=problem,
    )


def _requests_needed(objective: Objective) -> str:
    return f"{needed_samples(objective):,} requests to be {'proven' if objective.options.strict else 'decided'}"


def _measured(stage: StagePlan) -> bool:
    return not stage.warmup and not stage.cooldown


def _tallied(
    objective: Objective, tally: WindowTally, scenarios: Mapping[str, Sent], part: float, wording: Wording
) -> SampleForecast:
    """Forecast by the windows in which something is due. A shorter one with too few counts with the one before it."""
    names, each = list(scenarios), list[int]()
    for counts, whole in zip(tally.counts, tally.whole, strict=True):
        by_scenario = {names[position]: count * part for position, count in counts.items()}
        if samples := _admitted_samples(objective, by_scenario, scenarios):
            joins = bool(each) and not whole and samples < needed_samples(objective)
            each.append(samples + each.pop() if joins else samples)
    wanted, problem = objective.options.for_windows, None
    there = len(each) if any(tally.whole) else 0
    if there < wanted and (each or not any(tally.whole)):
        problem = f"asks for {wanted} of its windows in a row, and the plan has {there}: make them shorter"
    elif max(each, default=0) < needed_samples(objective):
        needed = f"{_requests_needed(objective)} in each of its windows"
        problem = _few(objective, needed, f"about {max(each, default=0):,}", wording)
    return _forecast(objective, min(each, default=0), problem, least=Outlook.SCARCE)


def _in_windows(
    objective: Objective,
    stages: Sequence[StagePlan],
    scenarios: Mapping[str, Sent],
    parts: Parts,
    wording: Wording,
) -> SampleForecast:
    over_s, wanted = objective.options.over_s or 0.0, objective.options.for_windows
    lasting_s = [stage.for_s * stage.times for stage in stages if stage.for_s is not None]
    counts = [_samples(objective, [stage], scenarios, parts) for stage in stages]
    known = len(lasting_s) == len(stages)
    windows = int(math.fsum(lasting_s) / over_s + 1e-9)
    samples, problem = None, None
    if known and windows < wanted:
        problem = f"asks for {wanted} of its windows in a row, and the plan has {windows}: make them shorter"
    elif known and None not in counts:
        each = [count * over_s / long_s for count, long_s in zip(counts, lasting_s, strict=True) if count]
        samples = int(min(each, default=0))
        if max(each, default=0) * _STEEPEST < needed_samples(objective):
            needed = f"{_requests_needed(objective)} in each of its windows"
            problem = _few(objective, needed, f"about {int(max(each, default=0)):,}", wording)
    return _forecast(objective, samples, problem, least=Outlook.SCARCE)


def _few(objective: Objective, needed: str, there: str, wording: Wording) -> str:
    longer = wording.lengthen if objective.options.over_s is None else "lengthen the windows (over)"
    remedies = [longer, wording.raise_rates, *_smaller_asks(objective)]
    return f"needs {needed}, and {wording.plan} has {there}: {', '.join(remedies[:-1])}, or {remedies[-1]}"


def _smaller_asks(objective: Objective) -> Iterator[str]:
    """Yield changes that need fewer samples."""
    if PERCENTILE.fullmatch(objective.aggregate):
        yield f"ask for a {'lower' if objective.op.ceiling else 'higher'} percentile"
    elif objective.aggregate == "rate" and objective.op.ceiling:
        yield f"allow more than {objective.limit * 100:g}%"
    elif objective.aggregate == "rate":
        yield f"ask for less than {objective.limit * 100:g}%"


def _routed(objective: Objective, targets: Mapping[str, float], keys: Mapping[str, KeyShares], stage: str) -> float:
    """Return the part of a stage's requests that go to a target, and with a key, that the objective admits."""
    return sum(
        share * sum(part for key, part in shares.items() if _admits(objective, "key", key))
        for name, share in targets.items()
        if _admits(objective, "target", name)
        for shares in ((keys[name](stage) if name in keys else {}) or _UNNAMED,)
    )


def _samples(
    objective: Objective, stages: Sequence[StagePlan], scenarios: Mapping[str, Sent], parts: Parts
) -> int | None:
    """Return the samples of these stages that the tags admit; None where unknown."""
    if METRICS[objective.metric].per is not Per.REQUEST or any(stage.by_scenario is None for stage in stages):
        return None
    by_scenario: defaultdict[str, float] = defaultdict(float)
    for stage in stages:
        part = parts(stage.name)
        for name, count in (stage.by_scenario or {}).items():
            by_scenario[name] += count * part
    return _admitted_samples(objective, by_scenario, scenarios)


def _admitted_samples(objective: Objective, by_scenario: Mapping[str, float], scenarios: Mapping[str, Sent]) -> int:
    """Return the samples of these arrivals that the tags admit."""
    return round(
        sum(
            count * _part(objective, sent)
            for name, count in by_scenario.items()
            if _admits(objective, "scenario", name) and _asked(objective, sent := scenarios[name])
        )
    )


def _part(objective: Objective, sent: Sent) -> float:
    """Return the requests per arrival whose model the objective admits."""
    weights = sent.models
    admitted = sum(weight for model, weight in weights.items() if _admits(objective, "model", model))
    return sent.per_arrival * admitted / sum(weights.values())


def _asked(objective: Objective, sent: Sent) -> bool:
    """Return whether these requests ask for what the objective is about."""
    asked = METRICS[objective.metric].asked
    return asked is None or asked in sent.asked


def _admits(objective: Objective, name: str, value: str) -> bool:
    tags: tuple[Tag, ...] = objective.tagged(name)
    return all(tag.admits(value) for tag in tags)


def _outlook(objective: Objective, samples: int | None, least: Outlook = Outlook.TOO_FEW) -> Outlook:
    """Return the outlook; `least` applies to too few samples, since other windows may have enough."""
    if samples is None:
        return Outlook.UNKNOWN
    if samples < needed_samples(objective):
        return least
    to_prove = samples_to_prove(objective)
    ample = to_prove * (_AMPLE_OF_FEW if objective.options.strict and to_prove <= _FEW else _AMPLE)
    return Outlook.SCARCE if to_prove > 1 and samples < ample else Outlook.AMPLE
