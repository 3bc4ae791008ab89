"""Checks of objectives that parse: names that the profile lacks, and limits that nothing meets or breaks.

An objective that nothing breaks always passes, and one that nothing meets always fails: neither is meant.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit
from relayload.core.objectives.objective import Objective, Tag


def within_scenario(objective: Objective, scenario: str) -> Objective:
    """Return the pass condition on one scenario. Raises ValueError if its metric can't be, or it names one."""
    if "scenario" not in METRICS[objective.metric].tags:
        raise ValueError(f"'{objective.metric}' can't be told by scenario: write it under the profile's objectives")
    if objective.tagged("scenario"):
        raise ValueError("names a scenario already: leave out that tag, or write it under the profile's objectives")
    tags = (Tag("scenario", scenario), *objective.tags)
    after = objective.text.removeprefix(objective.metric)
    condition = after.partition("}" if "}" in after else ".")[2]
    spelled = ", ".join(map(str, (*tags, *objective.conditions)))
    text = f"{objective.metric}{{{spelled}}}.{condition.strip().removeprefix('.').strip()}"
    return replace(objective, text=text, tags=tags)


def unknown_names(
    objective: Objective,
    *,
    scenarios: Iterable[str],
    models: Iterable[str],
    stages: Iterable[str],
    targets: Iterable[str] = (),
    keys: Iterable[str] = (),
    scopes: Iterable[str] = (),
) -> list[str]:
    """Return the faults in the tags of an objective, given the names that a profile knows.

    `targets` is empty where there is only one, and `keys` where none has a name. `scopes` are those of breakers, empty
    where they are unknown.
    """
    known = {
        "scenario": list(scenarios),
        "model": list(models),
        "stage": list(stages),
        "target": list(targets),
        "key": list(keys),
    }
    breakers = list(scopes)
    if breakers:
        known["scope"] = breakers
    return [
        unknown(tag.name, tag.value, known[tag.name])
        if known[tag.name]
        else f"there is {_ONE[tag.name]}: leave out '{tag}'"
        for tag in objective.tags
        if tag.name in known and tag.scenarios is None and tag.value not in known[tag.name]
    ]


_ONE = MappingProxyType({"target": "one target", "key": "no key with a name, as target.keys has"})
"""What there is where a tag has no values."""


def unknown(what: str, got: str, known: Iterable[str]) -> str:
    """Return the fault of an unknown name, with the most likely correction."""
    names = [str(name) for name in known]
    nearest = get_close_matches(got, names, n=1)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"expected one of {', '.join(names)}"
    return f"unknown {what} '{got}': {hint}"


def pointless(objective: Objective) -> str | None:
    """Return the fault of the limit of an objective; None if it could hold, and could break."""
    op, limit = objective.op, objective.limit
    least, most = _range(objective)
    some = [least, most, *([limit] if least <= limit <= most else [])]
    met = [op.holds(value, limit) for value in some]
    if all(met):
        return "always holds, whatever happens: write another limit"
    return None if any(met) else "can never hold: write another limit"


def _range(objective: Objective) -> tuple[float, float]:
    """Return the least and the most that may be observed. Requests without an answer are worse than any value."""
    metric = METRICS[objective.metric]
    least = -math.inf if metric.distribution and objective.op.floor else 0.0
    share = objective.unit is Unit.SHARE and metric.share_of_all
    return least, 1.0 if share else math.inf
