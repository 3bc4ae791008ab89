"""Checks on objectives: their ids, the names in them, and whether data can exist for them."""

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, NamedTuple

from relayload.core.errors import AuthorError, Fault
from relayload.core.model.tags import ScenarioTags
from relayload.core.objectives.scenario_tags import on_scenarios
from relayload.core.objectives.validation import pointless, unknown_names, within_scenario
from relayload.core.price import Prices, price_of
from relayload.document import Location
from relayload.profile.checks.content import Content, models_of, sequence, sound
from relayload.profile.objectives import ObjectiveEntry
from relayload.profile.target import Target


class Placed(NamedTuple):
    """A valid objective and where it stands."""

    entry: ObjectiveEntry
    location: Location
    expr: Location
    """The location of its expression, which is one level deeper if the objective is a mapping."""
    scenario: str | None = None
    """The scenario that it belongs to; None for an objective of the whole profile."""
    tags: ScenarioTags = MappingProxyType({})
    """The free tags of all scenarios."""

    @property
    def id(self) -> str:
        """Its id in reports and baselines."""
        named = self.entry.objective.id
        return named if self.scenario is None or self.entry.id else f"{self.scenario}: {named}"

    def admits(self, tag: str, value: object) -> bool:
        """Return whether its tags admit that value."""
        try:
            found = on_scenarios(self.entry.expr, self.tags)
        except ValueError:  # which is a fault of its own
            return False
        return all(own.admits(str(value)) for own in found.tagged(tag))


def sound_objectives(content: Content) -> Iterator[Placed]:
    """Yield the valid objectives of all scenarios, and then those of the whole profile."""
    for name, scenario in content.scenarios.items():
        yield from _sound_ones(scenario, ("scenarios", name), name, content.scenario_tags)
    yield from _sound_ones(content.data, (), None, content.scenario_tags)


def objective_faults(content: Content, objectives: Iterable[Placed]) -> Iterator[Fault]:
    names = {
        "scenarios": [*content.scenarios, *content.audit_scenarios],
        "models": content.models,
        "stages": content.stage_names,
    }
    if not all(names.values()):
        return  # what they could name has faults of its own
    names["targets"] = list(content.targets) if len(content.targets) > 1 else []
    names["keys"] = content.key_names
    names["scopes"] = content.scopes
    for placed in objectives:
        for message in _unknown_names(placed, names):
            yield content.fault(placed.expr, message)
        expr = placed.entry.expr
        if wrong := pointless(expr):
            yield content.fault(placed.expr, f"'{expr.text}' {wrong}")
        if expr.metric == "batch" and placed.scenario is None and not content.batch:
            message = f"only a batch load has a {expr.aggregate}: write load: {{kind: batch}}"
            yield content.fault(placed.expr, message)


def cost_faults(content: Content, objectives: Iterable[Placed]) -> Iterator[Fault]:
    """Yield faults for objectives on costs that can't be computed, which could only fail."""
    for placed in objectives:
        entry = placed.entry
        if entry.expr.metric != "cost" or entry.severity == "warn" or entry.on_no_data != "fail":
            continue
        if unpriced := _unpriced(content, placed):
            example = f"prices: {{{unpriced[0]}: {{input: $2, output: $8}}}}, per million tokens"
            yield content.fault(placed.expr, f"no price for {', '.join(unpriced)}: give the target {example}")


def id_faults(content: Content, objectives: Iterable[Placed]) -> Iterator[Fault]:
    seen: set[str] = set()
    for placed in objectives:
        called = placed.id
        if called in seen and placed.entry.id:
            yield content.fault((*placed.location, "id"), f"'{called}' is the id of another objective, too")
        elif called in seen:
            message = f"another objective is called '{called}', too: give one of them an id"
            yield content.fault(placed.location, message)
        seen.add(called)


def _sound_ones(owner: dict[str, Any], place: Location, scenario: str | None, tags: ScenarioTags) -> Iterator[Placed]:
    for number, written in enumerate(sequence(owner.get("objectives"))):
        location = (*place, "objectives", number)
        entry = sound(ObjectiveEntry, written)
        if entry:
            expr = (*location, "expr") if isinstance(written, dict) else location
            yield Placed(entry, location, expr, scenario, tags)


def _unknown_names(placed: Placed, names: dict[str, list[str]]) -> list[str]:
    expr = placed.entry.expr
    try:
        own = expr if placed.scenario is None else within_scenario(expr, placed.scenario)
        return list(unknown_names(on_scenarios(own, placed.tags), **names))
    except ValueError as error:
        return [str(error)]


def _unpriced(content: Content, placed: Placed) -> list[str]:
    """Return the models that the objective covers and for which a target has no price."""
    models = [
        model
        for name, scenario in content.scenarios.items()
        if placed.scenario in (None, name) and placed.admits("scenario", name)
        for model in models_of(scenario)
    ]
    covered = [model for model in [*models, *content.traced_models] if placed.admits("model", model)]
    found = [
        model
        for place, target in content.sound_targets
        if not content.targets or placed.admits("target", place[-1])
        if (prices := _prices(target)) is not None
        for model in covered
        if price_of(model, prices) is None
    ]
    return list(dict.fromkeys(found))


def _prices(target: Target) -> Prices | None:
    """Return the prices; None if the list can't be read, which another check reports."""
    try:
        return target.known_prices
    except AuthorError:
        return None
