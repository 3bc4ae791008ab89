"""How far a batch came, as text for people."""

from relayload.core.metrics.summary import BatchTally
from relayload.core.units import format_duration


def batch_facts(batch: BatchTally | None) -> list[tuple[str, str]]:
    """Nothing where the load is no batch."""
    if batch is None:
        return []
    left = (("running", batch.running), ("queued", batch.queued), ("lost", batch.lost))
    parts = [f"{batch.requests:,} requests", f"done {batch.done:,}", f"failed {batch.failed:,}"]
    parts += [f"{name} {count:,}" for name, count in left if count]
    if batch.makespan_s is not None:
        parts.append(f"{'makespan' if batch.finished else 'ended after'} {format_duration(batch.makespan_s)}")
    return [("batch", " · ".join(parts))]
