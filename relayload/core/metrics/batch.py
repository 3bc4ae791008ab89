"""How far a batch came, and how long it took."""

from collections import Counter

from msgspec import Struct

from relayload.core.metrics.fold import Account, Fold
from relayload.core.model.record import Outcome
from relayload.core.model.run import RunInfo


class BatchTally(Struct, frozen=True, kw_only=True):
    """Where the requests of a batch are: requests = queued + running + done + failed + lost."""

    requests: int
    queued: int
    """Never begun, since the run ended before their turn came: they were not offered."""
    running: int
    """Under way when the run ended, and abandoned."""
    done: int
    """Ended ok, or as their scenario wants: cancelled."""
    failed: int
    lost: int
    """Of a worker that died: nobody knows what came of them."""
    makespan_s: float | None
    """From the first start to the end of the last request; None where none was started."""

    @property
    def finished(self) -> bool:
        """Whether every request has ended, ok or not."""
        return not (self.queued or self.running or self.lost)


def batch_of(fold: Fold, run: RunInfo, accounted: Account) -> BatchTally | None:
    """None where the load is of another kind."""
    if run.requests is None:
        return None
    counts: Counter[str] = Counter()
    for key, cell in fold.cells.items():
        counts[key.outcome] += len(cell)
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
