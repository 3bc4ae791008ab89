"""The trouble, the cost and the objectives of a run so far, at a cost that does not grow with its length."""

from collections import Counter
from collections.abc import Iterable

from relayload.core.metrics.cost import paid
from relayload.core.metrics.generator_health import timestamps_of, worst
from relayload.core.model.health import STARVED, doubts
from relayload.core.model.progress import BreakerSoFar, Details, ObjectiveSoFar
from relayload.core.model.record import BreakerState
from relayload.core.model.tags import DROPPED, REFUSED, Tags
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.resilience.guard import Caps

_MOST_KINDS = 8
_WORST_FIRST = (BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED)


def details_so_far(merged: MergedSnapshot, caps: Caps, objectives: Iterable[ObjectiveSoFar]) -> Details:
    """Return what is known by what has ended."""
    cost = paid(merged.used, merged.run)
    return Details(
        failures=_failures(merged),
        breakers=tuple(_breakers(merged)),
        usd=cost.usd if cost.by_model else None,
        max_usd=caps.usd,
        max_requests=caps.requests,
        objectives=tuple(objectives),
        would_be_invalid=would_be_invalid(merged),
    )


def would_be_invalid(merged: MergedSnapshot) -> tuple[str, ...]:
    """Return why the run would be INVALID if it ended now, by what has ended. What is lost is not known yet."""
    ends = [told.health for told in merged.told.values() if told.health is not None]
    dropped: Counter[str] = Counter()
    for tags, counts in merged.totals.items():
        if tags.outcome == DROPPED and counts.due:
            dropped[tags.error or ""] += counts.due
    return doubts(
        merged.run.thresholds,
        started=merged.count(lambda tags: tags.outcome not in (DROPPED, REFUSED)),
        late=sum(told.late for told in merged.told.values()),
        dropped=dropped,
        lost=0,
        timestamps=timestamps_of(ends),
        loop_lag_p95_s=worst(end.loop_lag_p95_s for end in ends),
        loop_lag_p99_s=worst(end.loop_lag_p99_s for end in ends),
        starved=merged.count(lambda tags: tags.failed and tags.error in STARVED),
    )


def _failures(merged: MergedSnapshot) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for tags, own in merged.totals.items():
        if tags.failed:
            counts[_kind(tags)] += own.due
    first = dict(counts.most_common(_MOST_KINDS))
    rest = counts.total() - sum(first.values())
    return first | ({f"of {len(counts) - len(first)} more kinds": rest} if rest else {})


def _kind(tags: Tags) -> str:
    return f"{tags.outcome} ({tags.error})" if tags.error else tags.outcome


def _breakers(merged: MergedSnapshot) -> Iterable[BreakerSoFar]:
    states = Counter((change.scope, change.after) for change in merged.breakers)
    for scope in sorted({scope for scope, _ in states}):
        yield BreakerSoFar(
            scope=scope,
            states={state.value: states[scope, state] for state in _WORST_FIRST if states[scope, state]},
        )
