"""What a machine can measure, found against a relay whose truth is known: the content of `calibrate --json`."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from relayload.core.stats.ranks import SortedRuns


class Spread(Struct, frozen=True, kw_only=True):
    """Seconds: the middle, the hundredth worst, and the worst."""

    p50_s: float
    p99_s: float
    max_s: float

    @classmethod
    def of(cls, values_s: Sequence[float]) -> Self | None:
        """None of nothing."""
        if not values_s:
            return None
        ordered = SortedRuns([sorted(values_s)])
        return cls(p50_s=ordered.quantile(0.5), p99_s=ordered.quantile(0.99), max_s=ordered.at(ordered.count))


class Trial(Struct, frozen=True, kw_only=True):
    """One short run against the fake relay."""

    requests: int
    failed: int
    chunks: int
    duration_s: float
    cpu_s: float
    """Of the generating process."""
    relay_cpu_share: float
    """Of one core, while the load lasted: over 1 where the answers took longer."""
    late: Spread | None
    ttft_error: Spread | None
    """Measured instant of the first token minus the relay's own stamp of it; None without streams."""
    timestamps: str | None
    valid: bool
    reasons: tuple[str, ...]

    @property
    def sustained(self) -> bool:
        """The generator delivered the load and could measure it, and every request was answered."""
        return self.valid and not self.failed


class Ceiling(Struct, frozen=True, kw_only=True):
    """The most that held, and what came in the way of more."""

    highest: int
    limited_by: str
    """`generator`, `fake relay`, or `search` when the search ended before anything gave way."""


class Calibration(Struct, frozen=True, kw_only=True):
    """All of it. CPU is what one more request, or chunk, costs the generating process, everything included."""

    rate_per_s: int
    streams: int
    plain: Trial
    streamed: Trial
    cpu_per_request_s: float
    cpu_per_chunk_s: float
    highest_rate_per_s: Ceiling | None
    """None where it was not searched for."""
    highest_streams: Ceiling | None
    cores: int
    versions: dict[str, str]

    @property
    def sustained(self) -> bool:
        """What was asked for can be generated here."""
        return self.plain.sustained and self.streamed.sustained


def marginal_cpu_s(idle: Trial, plain: Trial, streamed: Trial) -> tuple[float, float]:
    """CPU seconds of one more request and of one more chunk, from an idle run and two busy ones.

    What an idle process uses per second is taken off, and of the streams what their requests cost as such.
    """
    idle_share = idle.cpu_s / idle.duration_s
    request_s = (plain.cpu_s - idle_share * plain.duration_s) / plain.requests
    streaming_s = streamed.cpu_s - idle_share * streamed.duration_s - request_s * streamed.requests
    return request_s, streaming_s / streamed.chunks
