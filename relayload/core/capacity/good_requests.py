"""Which requests met the objectives: goodput by the limits that the objectives of a profile set a single request."""

from collections.abc import Iterable, Iterator, Sequence

from relayload.core.metrics.catalog import PER_REQUEST
from relayload.core.metrics.metric import Unit
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Condition, Objective, Op, Tag


def good_objectives(objectives: Sequence[Objective], scenarios: Iterable[str]) -> tuple[Objective, ...]:
    """Return the goodput of each scenario, whose bad requests are those that break a limit of the objectives.

    Limits are those of percentiles, and the conditions of goodput. Of several on one metric the most lenient counts:
    p50 < 300ms with p99 < 2s promises a request 2 s. Objectives with other tags than the scenario's promise it nothing.
    """
    return tuple(_goodput(scenario, _conditions(objectives, scenario)) for scenario in scenarios)


def good(objectives: Iterable[Objective], indicators: Indicators) -> tuple[int, int]:
    """Return how many requests are good, by the worse bounds of their values, and how many there are."""
    counted = [indicators.bad(objective).at_most for objective in objectives]
    return sum(bad.n - bad.k for bad in counted), sum(bad.n for bad in counted)


def _goodput(scenario: str, conditions: tuple[Condition, ...]) -> Objective:
    return Objective(
        text="goodput.rate >= 0%",
        metric="goodput",
        aggregate="rate",
        op=Op.AT_LEAST,
        limit=0.0,
        unit=Unit.SHARE,
        tags=(Tag("scenario", scenario),),
        conditions=conditions,
    )


def _conditions(objectives: Iterable[Objective], scenario: str) -> tuple[Condition, ...]:
    most_lenient: dict[tuple[str, bool], Condition] = {}
    for condition in _all_conditions(objectives, scenario):
        place = condition.metric, condition.op.ceiling
        known = most_lenient.setdefault(place, condition)
        if known.op.beyond(known.limit)(condition.limit):
            most_lenient[place] = condition
    return tuple(most_lenient.values())


def _all_conditions(objectives: Iterable[Objective], scenario: str) -> Iterator[Condition]:
    for objective in objectives:
        counts = objective.options.severity == "error"
        if not (counts and all(_of_scenarios(tag) and tag.admits(scenario) for tag in objective.tags)):
            continue
        yield from objective.conditions
        limits_one = objective.quantile is not None and 0 <= objective.budget < 1
        if objective.metric in PER_REQUEST and limits_one and (objective.op.ceiling or objective.op.floor):
            yield Condition(objective.metric, objective.op, objective.limit, objective.text)


def _of_scenarios(tag: Tag) -> bool:
    return tag.name == "scenario" or tag.scenarios is not None
