"""The requests that the tags of an objective admit, and consecutive spans of time."""

from collections.abc import Iterable, Sequence

from relayload.core.metrics.retry_counts import RetryCause
from relayload.core.model.record import Transition
from relayload.core.model.tags import PlanTags, Tags
from relayload.core.objectives.objective import Objective, Tag


def tagged(wanted: Sequence[Tag], plan_tags: PlanTags) -> bool:
    """Return whether the tags admit requests with these plan tags, in a measured stage or not."""
    values = {
        "scenario": plan_tags.scenario,
        "model": plan_tags.model,
        "stage": plan_tags.stage,
        "target": plan_tags.target or "",
        "key": plan_tags.key or "",
    }
    return all(tag.admits(values[tag.name]) for tag in wanted if tag.name in values)


def within(wanted: Sequence[Tag], plan_tags: PlanTags) -> bool:
    """Return whether requests with these plan tags are measured and admitted."""
    return plan_tags.measured and tagged(wanted, plan_tags)


def counts_for(objective: Objective, plan_tags: PlanTags) -> bool:
    """Return whether an objective counts requests with these plan tags.

    Where requests count when they end, those of every stage do: a `stage` tag then selects the time, not the requests.
    """
    if objective.by_end:
        return tagged([tag for tag in objective.tags if tag.name != "stage"], plan_tags)
    return within(objective.tags, plan_tags)


def moved(wanted: Sequence[Tag], change: Transition) -> bool:
    """Return whether the tags admit the breaker that changed its state."""
    values = {"scope": change.scope, "target": change.target or ""}
    return all(tag.admits(values[tag.name]) for tag in wanted if tag.name in values)


def of_outcome(wanted: Sequence[Tag], tags: Tags) -> bool:
    """Return whether the tags admit the outcome of a request."""
    return all(tag.admits(tags.outcome) for tag in wanted if tag.name == "outcome")


def of_kind(tag: Tag, ending: Tags | RetryCause) -> bool:
    """Return whether a request or attempt ended as a `kind` tag says: an outcome, a status or a failure kind."""
    return (tag.value in (ending.outcome, str(ending.status), ending.kind)) is not tag.negated


def joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Merge consecutive spans, which are in order of time."""
    joined: list[tuple[float, float]] = []
    for begins_at_s, ends_at_s in spans:
        if joined and joined[-1][1] == begins_at_s:
            joined[-1] = (joined[-1][0], ends_at_s)
        else:
            joined.append((begins_at_s, ends_at_s))
    return joined
