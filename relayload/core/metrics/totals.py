"""Totals of a run for its summary: errors, tokens, retries, waits for quotas, circuit breakers, the batch."""

from collections import Counter

from relayload.core.metrics.breaker_history import breaker_histories, in_order, open_s, trips
from relayload.core.metrics.fold import Account, Fold
from relayload.core.metrics.retry_counts import retries_by_cause
from relayload.core.metrics.selection import Selection
from relayload.core.metrics.summary import (
    BatchTally,
    BreakerActs,
    BreakerChange,
    ErrorCount,
    QuotaWaits,
    Retries,
    TokenCounts,
)
from relayload.core.metrics.tokens import Tokens
from relayload.core.model.record import Outcome, Transition
from relayload.core.model.run import RunInfo


def errors_of(everything: Selection) -> tuple[ErrorCount, ...]:
    """Return the failures by kind, the most frequent first."""
    counts: Counter[tuple[str, str | None, int | None]] = Counter()
    messages: dict[tuple[str, str | None, int | None], tuple[float, str]] = {}
    for tags, tagged in everything.by_tags.items():
        if tags.failed:
            ending = tags.outcome, tags.error, tags.status
            counts[ending] += len(tagged)
            if tagged.relay_message:
                messages[ending] = min(tagged.relay_message, messages.get(ending, tagged.relay_message))
    return tuple(
        ErrorCount(
            outcome=outcome,
            error=error,
            status=status,
            count=count,
            relay_message=messages.get((outcome, error, status), (0.0, None))[1],
        )
        for (outcome, error, status), count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    )


def tokens_of(everything: Selection) -> TokenCounts:
    """Return the total tokens of every attempt."""
    total = Tokens()
    for tagged in everything.by_tags.values():
        total.merge(tagged.tokens)
    return TokenCounts(
        input=total.input,
        cached_input=total.cached_input,
        output=total.output,
        reasoning=total.reasoning,
        counted=total.counted,
    )


def retries_of(fold: Fold) -> Retries:
    """Return the retries of every request, warm-up included."""
    all_tagged = fold.by_tags.values()
    attempts = sum(tagged.attempts for tagged in all_tagged)
    tried = attempts - sum(tagged.retries for tagged in all_tagged)
    stopped_by: Counter[str] = Counter()
    for tagged in all_tagged:
        stopped_by.update(tagged.retry_counts.stopped_by)
    return Retries(
        by_kind=retries_by_cause(tagged.retry_counts for tagged in all_tagged),
        amplification=attempts / tried if tried else None,
        succeeded_after_retry=sum(tagged.retry_counts.retried for tags, tagged in fold.by_tags.items() if tags.ok),
        backoff_s=sum(tagged.retry_counts.backoff_s for tagged in all_tagged),
        stopped_by=dict(sorted(stopped_by.items(), key=lambda item: (-item[1], item[0]))),
    )


def quota_waits_of(fold: Fold) -> QuotaWaits:
    """Return the quota waits of every request, warm-up included."""
    waits = [tagged.values.waits for tagged in fold.by_tags.values()]
    return QuotaWaits(throttled=sum(count for count, _ in waits), throttled_s=sum(seconds for _, seconds in waits))


def breaker_acts_of(fold: Fold, load_s: float) -> BreakerActs:
    """Return what the breakers did in the whole run, whose load ended at `load_s`."""
    refused = (len(tagged) for tags, tagged in fold.by_tags.items() if tags.outcome == Outcome.SHORT_CIRCUITED.value)
    return BreakerActs(
        trips=len(trips(fold.transitions)),
        open_time_s=open_s(breaker_histories(fold.transitions), [(0.0, load_s)]),
        short_circuited=sum(refused),
        enforced=any(transition.enforced for transition in fold.transitions) if fold.transitions else None,
        transitions=tuple(map(_change, in_order(fold.transitions))),
    )


def _change(transition: Transition) -> BreakerChange:
    return BreakerChange(
        at_s=transition.at_s,
        worker=transition.worker,
        scope=transition.scope,
        before=transition.before.value,
        after=transition.after.value,
        reason=transition.reason,
        calls=transition.calls,
        failures=transition.failures,
        slow=transition.slow,
        since_s=transition.since_s,
    )


def batch_of(fold: Fold, run: RunInfo, accounted: Account) -> BatchTally | None:
    """Return the tally of a batch; None for other loads."""
    if run.requests is None:
        return None
    counts: Counter[str] = Counter()
    for tags, tagged in fold.by_tags.items():
        counts[tags.outcome] += len(tagged)
    done, running = counts[Outcome.OK] + counts[Outcome.CANCELLED], counts[Outcome.ABANDONED]
    requests = run.requests * run.copies
    return BatchTally(
        requests=requests,
        queued=requests - accounted.offered,
        running=running,
        done=done,
        failed=accounted.started - done - running,
        lost=accounted.lost,
        makespan_s=fold.last_end_s - fold.starts.first_s if fold.started else None,
    )
