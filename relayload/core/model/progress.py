"""How far a run is: a value that the master renews and a display shows."""

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True):
    """The totals of a run so far. Latencies are of successful requests, in seconds."""

    stage: str
    elapsed_s: float
    total_s: float | None
    """None where the length is known only once the run ends."""
    offered: int
    started: int
    dropped: int
    in_flight: int
    ok: int
    failed: int
    workers: int
    requests: int | None = None
    """The requests of a batch; None for other loads."""
    ttft_p50_s: float | None = None
    ttft_p99_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
