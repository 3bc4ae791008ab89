"""Objectives: the names in them, and their own."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from relayload.core.errors import Fault
from relayload.core.verdict.names import unknown_names, within_scenario
from relayload.document import Location
from relayload.profile.checks.content import Content, sequence, sound
from relayload.profile.objectives import ObjectiveEntry


class _Placed(NamedTuple):
    """An objective that is sound by itself, and where it stands."""

    entry: ObjectiveEntry
    location: Location
    expr: Location
    """Where its expression stands: one level deeper if it is a mapping."""
    scenario: str | None = None
    """Whose own it is."""

    @property
    def id(self) -> str:
        """As reports and baselines know it."""
        named = self.entry.objective.id
        return named if self.scenario is None or self.entry.id else f"{self.scenario}: {named}"


def objective_faults(content: Content) -> Iterator[Fault]:
    names = {"scenarios": list(content.scenarios), "models": content.models, "stages": content.stage_names}
    if not all(names.values()):
        return  # what they could name has faults of its own
    names["targets"] = list(content.targets) if len(content.targets) > 1 else []
    names["scopes"] = content.scopes
    for placed in _placed(content):
        for message in _unknown_names(placed, names):
            yield content.fault(placed.expr, message)
        expr = placed.entry.expr
        if expr.metric == "batch" and placed.scenario is None and not content.batch:
            message = f"only a batch load has a {expr.aggregate}: write load: {{kind: batch}}"
            yield content.fault(placed.expr, message)


def id_faults(content: Content) -> Iterator[Fault]:
    seen: set[str] = set()
    for placed in _placed(content):
        called = placed.id
        if called in seen and placed.entry.id:
            yield content.fault((*placed.location, "id"), f"'{called}' is the id of another objective, too")
        elif called in seen:
            message = f"another objective is called '{called}', too: give one of them an id"
            yield content.fault(placed.location, message)
        seen.add(called)


def _placed(content: Content) -> Iterator[_Placed]:
    """Those of scenarios, then those of the whole."""
    for name, scenario in content.scenarios.items():
        yield from _sound_ones(scenario, ("scenarios", name), name)
    yield from _sound_ones(content.data, (), None)


def _sound_ones(owner: dict[str, Any], place: Location, scenario: str | None) -> Iterator[_Placed]:
    for number, written in enumerate(sequence(owner.get("objectives"))):
        location = (*place, "objectives", number)
        entry = sound(ObjectiveEntry, written)
        if entry:
            yield _Placed(entry, location, (*location, "expr") if isinstance(written, dict) else location, scenario)


def _unknown_names(placed: _Placed, names: dict[str, list[str]]) -> list[str]:
    expr = placed.entry.expr
    if placed.scenario is None:
        return list(unknown_names(expr, **names))
    try:
        return list(unknown_names(within_scenario(expr, placed.scenario), **names))
    except ValueError as error:
        return [str(error)]
