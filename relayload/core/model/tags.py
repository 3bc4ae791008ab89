"""The tags of requests: where they belong in the plan, and how they ended."""

from collections.abc import Mapping
from typing import NamedTuple

from relayload.core.model.record import Outcome

DROPPED, REFUSED = "dropped", "refused"
"""The outcomes of arrivals that were not started: for lack of room or time, or because a guardrail held them back."""
_NO_FAILURES = (Outcome.OK.value, Outcome.CANCELLED.value, DROPPED, REFUSED)


class PlanTags(NamedTuple):
    """Where in the plan a request belongs."""

    scenario: str
    model: str
    stage: str
    measured: bool
    target: str | None = None
    """None where there is only one target."""
    key: str | None = None
    """The name of its key; None where the target has an `api_key`."""


class Tags(NamedTuple):
    """All tags of a request. Outcome, error and kind are plain text, which hashes fast."""

    plan_tags: PlanTags
    outcome: str
    status: int | None
    error: str | None
    kind: str | None = None
    """The `FailureKind` of the last attempt."""

    @property
    def ok(self) -> bool:
        return self.outcome == Outcome.OK.value

    @property
    def abandoned(self) -> bool:
        """The run ended before the request did."""
        return self.outcome == Outcome.ABANDONED.value

    @property
    def failed(self) -> bool:
        """The request was sent and was neither ok nor cancelled by the client itself."""
        return self.outcome not in _NO_FAILURES


ScenarioTags = Mapping[str, Mapping[str, str]]
"""By scenario, its tags: `{"chat": {"team": "a"}}`."""


def values_of(tags: ScenarioTags) -> dict[str, list[str]]:
    """Return the values of each tag, in the order of the scenarios."""
    values: dict[str, dict[str, None]] = {}
    for own in tags.values():
        for name, value in own.items():
            values.setdefault(name, {})[value] = None
    return {name: list(found) for name, found in values.items()}
