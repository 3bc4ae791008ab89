"""The reasons of objectives, each told once, however many objectives have it."""

from collections.abc import Sequence

from relayload.core.model.verdict import ObjectiveResult


def reasons_told(results: Sequence[ObjectiveResult]) -> list[str]:
    """Return each reason after the objectives that have it: `all 5 objectives: nothing was measured`."""
    having: dict[str, list[str]] = {}
    for result in results:
        if result.reason:
            having.setdefault(result.reason, []).append(result.id)
    return [f"{_names(ids, len(results))}: {reason}" for reason, ids in having.items()]


def _names(ids: Sequence[str], of: int) -> str:
    return f"all {of} objectives" if 1 < len(ids) == of else ", ".join(ids)
