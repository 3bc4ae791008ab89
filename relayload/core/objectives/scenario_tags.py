"""The free tags of scenarios, such as `team`: an objective with one is an objective on the scenarios that have it."""

from dataclasses import replace

from relayload.core.metrics.catalog import TAG_NAMES
from relayload.core.model.tags import ScenarioTags, values_of
from relayload.core.objectives.objective import Objective, Tag
from relayload.core.objectives.validation import unknown


def on_scenarios(objective: Objective, tags: ScenarioTags) -> Objective:
    """Return the objective with its free tags read as the scenarios that they admit.

    Raises ValueError for a tag or a value that no scenario has.
    """
    return replace(objective, tags=tuple(_on_scenarios(objective, tag, tags) for tag in objective.tags))


def _on_scenarios(objective: Objective, tag: Tag, tags: ScenarioTags) -> Tag:
    if tag.name in TAG_NAMES:
        return tag
    known = values_of(tags)
    if tag.name not in known:
        raise ValueError(unknown(f"tag of {objective.metric}", tag.name, [*objective.tag_names, *known]))
    if tag.value not in known[tag.name]:
        raise ValueError(unknown(tag.name, tag.value, known[tag.name]))
    having = frozenset(scenario for scenario, own in tags.items() if own.get(tag.name) == tag.value)
    return Tag("scenario", str(tag), tag.negated, having)
