"""The measuring limits of a machine, found against a relay whose truth is known: the content of `calibrate --json`."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from relayload.core.stats.ranks import SortedRuns


class Spread(Struct, frozen=True, kw_only=True):
    """The median, the 99th percentile and the maximum, in seconds."""

    p50_s: float
    p99_s: float
    max_s: float

    @classmethod
    def of(cls, values_s: Sequence[float]) -> Self | None:
        """Return the spread of the values; None without values."""
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
    """CPU seconds of the generating process."""
    relay_cpu_share: float
    """The relay's share of one core while the load lasted: over 1 where the answers took longer."""
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
    """The highest load that held, and what limited it."""

    highest: int
    limited_by: str
    """`generator`, `fake relay`, or `search` when the search ended before anything gave way."""


class Calibration(Struct, frozen=True, kw_only=True):
    """The result of a calibration. CPU is the cost of one more request, or chunk, in the generating process."""

    rate_per_s: int
    streams: int
    plain: Trial
    streamed: Trial
    cpu_per_request_s: float
    cpu_per_chunk_s: float
    highest_rate_per_s: Ceiling | None
    """None where no search was made."""
    highest_streams: Ceiling | None
    cores: int
    versions: dict[str, str]

    @property
    def sustained(self) -> bool:
        """This machine can generate the load that was requested."""
        return self.plain.sustained and self.streamed.sustained


def marginal_cpu_s(idle: Trial, plain: Trial, streamed: Trial) -> tuple[float, float]:
    """Return the CPU seconds of one more request and of one more chunk, from an idle run and two busy ones.

    The usage of an idle process is subtracted and, for streams, the cost of their requests.
    """
    idle_share = idle.cpu_s / idle.duration_s
    request_s = (plain.cpu_s - idle_share * plain.duration_s) / plain.requests
    streaming_s = streamed.cpu_s - idle_share * streamed.duration_s - request_s * streamed.requests
    return request_s, streaming_s / streamed.chunks
