"""What a measurement of overhead found: the content of `overhead.json`."""

from enum import StrEnum

from msgspec import Struct

SCHEMA_VERSION = 1


class Finding(StrEnum):
    """What can be said of a difference."""

    MEASURED = "measured"
    """It is above the floor, and its interval leaves out 0."""
    NOT_MEASURABLE = "not measurable"
    """It is no larger than what the direct way differs from itself by."""
    UNPROVEN = "unproven"
    """It is above the floor, but its interval includes 0."""
    TOO_FEW = "too few pairs"


class AddedPercentile(Struct, frozen=True, kw_only=True):
    """How much larger one percentile is than directly, with the 95 % interval of that. Times are in seconds."""

    p: float
    per_pair: bool = False
    """`added` is the percentile of the differences of the pairs, and not the difference of two percentiles."""
    direct: float
    relay: float
    added: float
    low: float | None
    high: float | None
    floor: float | None
    """The largest difference that the direct way against itself leaves possible; None if too few pairs tell it."""
    pairs: int
    effective_pairs: int
    """The number of independent pairs that would tell as much."""
    pairs_needed: int | None = None
    """About how many pairs like these an interval takes; None where there is one."""
    finding: Finding


class Measure(Struct, frozen=True, kw_only=True):
    """One quantity of the pairs that ended ok at both."""

    name: str
    """`latency`, `ttft`, `chunk_gap`, `longest_gap` or `received_bytes`."""
    unit: str
    """`s` or `B`."""
    percentiles: tuple[AddedPercentile, ...]


class Chunks(Struct, frozen=True, kw_only=True):
    """What became of the chunks of streams, pair by pair."""

    pairs: int
    direct: int
    """The content events that came directly."""
    relay: int
    together_direct: int
    """Events that came directly in one piece with the one before."""
    together_relay: int
    missing: int
    """By how many events streams of as many tokens had fewer through the relay."""
    merged: int | None
    """Those of them whose text came all the same; None where answers to the same prompt differ, so that nothing
    tells."""
    coalesced_streams: int
    """Streams of which a tenth of the chunks or more came merged, or in one piece with the one before, and not so
    directly."""
    coalesced_low: float
    """The 95 % interval of the share of such streams."""
    coalesced_high: float
    lost_streams: int | None
    """Streams with less text than directly; None where answers to the same prompt differ, so that nothing tells."""
    lost_low: float | None
    lost_high: float | None
    lost_bytes: int | None


class Streams(Struct, frozen=True, kw_only=True):
    """How many of the streams that were offered went through whole and steadily."""

    offered: int
    sustained: int
    low: float
    """The 95 % interval of the sustained share."""
    high: float
    failed: int
    stalled: int
    """Streams that ended ok with a gap above the bound."""
    at_once: int
    """The most streams in flight."""
    gap_bound_s: float
    """The longest gap of a steady stream: ten times the usual one of the direct way, and 50 ms at least."""


class Stated(Struct, frozen=True, kw_only=True):
    """The overhead that the relay states in a header of its answers."""

    answers: int
    p50_s: float
    p95_s: float


class Resources(Struct, frozen=True, kw_only=True):
    """What the relay's processes on this machine took during a phase."""

    processes: int
    cpu_s: float
    cpu_s_per_request: float | None
    cpu_share: float
    """The CPU time as a share of one core."""
    rss_before_bytes: int
    rss_most_bytes: int


class Way(Struct, frozen=True, kw_only=True):
    """What one target did in a phase, by itself."""

    target: str
    requests: int
    ok: int
    errors: dict[str, int] = {}
    """The failed requests by kind."""
    dropped: int = 0
    """Requests that the load generator could not start."""
    streams: Streams | None = None
    """None where answers are not streamed, or come one at a time."""
    stated: Stated | None = None
    resources: Resources | None = None


class RelayAdds(Struct, frozen=True, kw_only=True):
    """What one relay adds to the direct way in a phase."""

    relay: str
    pairs: int
    measures: tuple[Measure, ...]
    chunks: Chunks | None = None
    """None where answers are not streamed."""


class Phase(Struct, frozen=True, kw_only=True):
    """One load: one request at a time, or a share of the rate that the slowest held."""

    name: str
    rate_per_s: float | None = None
    """The arrivals per second, each to every target; None where one request is sent at a time."""
    share: float | None = None
    recordings: tuple[str, ...] = ()
    """The directories of its records: that of the floor, where it was measured apart, comes first."""
    doubts: tuple[str, ...] = ()
    """Why it should not be believed; empty if it is valid."""
    floor: tuple[Measure, ...] = ()
    """The direct way against itself."""
    floor_chunks: Chunks | None = None
    """Those of the direct way against itself: what counts as coalesced without a relay."""
    same_answers: bool | None = None
    """Whether the direct way gave the same text for the same prompt; None if it was not streamed."""
    ways: tuple[Way, ...] = ()
    relays: tuple[RelayAdds, ...] = ()


class Held(Struct, frozen=True, kw_only=True):
    """The highest rate at which every target kept up, when each gets all arrivals."""

    rate_per_s: float
    given: bool = False
    """It was an argument and not searched for."""
    broken_per_s: float | None = None
    """The lowest rate that was found not to hold."""
    reason: str | None = None
    """What failed there."""
    trials: int = 0


class Overhead(Struct, frozen=True, kw_only=True):
    """What relays add to the direct way."""

    direct: str
    """The name of the target that the others are compared with."""
    targets: dict[str, str]
    """Base URLs by name."""
    profile: str
    profile_sha256: str
    models: tuple[str, ...]
    started_at: str
    phases: tuple[Phase, ...] = ()
    held: Held | None = None
    load_left_out: str | None = None
    """Why nothing was measured under load."""
    requests: int = 0
    usd: float | None = None
    """The known cost of all requests; None where no target has a price."""
    ended_by: str | None = None
    """What ended it before everything was measured, such as Ctrl-C."""
    versions: dict[str, str] = {}
    platform: str = ""
    exit_code: int = 0
    schema_version: int = SCHEMA_VERSION

    @property
    def relays(self) -> tuple[str, ...]:
        return tuple(name for name in self.targets if name != self.direct)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why phases should not be believed, with their names."""
        return tuple(f"{phase.name}: {doubt}" for phase in self.phases for doubt in phase.doubts)
