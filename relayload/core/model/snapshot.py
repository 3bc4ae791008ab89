"""The state of a run so far, as one value that merges; live displays and abort checks read nothing else.

A snapshot holds counts by second: of requests by their tags, and of what each objective counts. Latencies and
objectives are filed under the second in which the request was due, completions and tokens under the second in which it
ended.

A process sends whole slots, each with a version that grows. The receiver replaces its copy of the slot, so that a
duplicate or late message does no harm.
"""

from typing import NamedTuple

from msgspec import Struct

from relayload.core.model.amounts import Count, Instant, Length, Number, Second, Sum, Total, Width, Worker
from relayload.core.model.record import End, Transition
from relayload.core.model.tags import Tags


class Span(NamedTuple):
    """The seconds that a slot covers."""

    begins_s: Second
    width_s: Width = 1


class Slot(Struct, kw_only=True, array_like=True, gc=False):
    """The requests of one set of tags in a span of time."""

    tags: Tags
    span: Span
    version: Count = 0
    due: Count = 0
    """Requests that were due in it and have ended at any time."""
    ended: Count = 0
    """Requests that ended in it."""
    retries: Count = 0
    """Retries of the requests that ended in it."""
    tokens: tuple[Sum, ...] = ()
    """The tokens of the requests that ended in it, in the order of `Tokens.numbers`."""
    retried: tuple[Sum, ...] = ()
    """The part of the tokens that belongs to attempts that were retried."""
    histograms: dict[str, bytes] = {}
    """By metric, the values of the requests that were due in it, as `histogram.packed` writes them."""
    ends: dict[Number, tuple[Count, Sum]] = {}
    """Those that ended in it, with the output tokens of all their attempts, by the stretch of the plan in which they
    ended, as `end_cells.stretch_edges` cuts it."""
    sent_again: Count = 0
    """Retries that were sent in it."""
    throttled: Count = 0
    """The requests that ended in it and had waited for our own quota."""
    throttled_s: Length = 0.0
    """The seconds that those had waited, added up."""


class Tally(Struct, kw_only=True, array_like=True, gc=False):
    """What one process has counted so far of the requests of one set of tags that have ended."""

    tags: Tags
    attempts: Count = 0
    retried: Count = 0
    """Requests that were tried more than once."""
    retries_by_kind: dict[str, Count] = {}
    backoff_s: Length = 0.0
    stopped_by: dict[str, Count] = {}
    buffered: Count = 0
    remarks: dict[str, Count] = {}
    thought_in_part: Count = 0
    untimed: Count = 0
    relay_message: tuple[Instant, str] | None = None
    """When the first request that failed with a message was due, and the message."""
    last_end_s: Instant = 0.0
    """When the last of the requests ended."""
    follow_ups: Count = 0
    """Later turns of conversations, which are no arrivals."""


class Position(NamedTuple):
    """The place where a request counts for an objective."""

    window: Number
    """The window, numbered by the plan of the run; 0 where the objective has none."""
    second: Second
    scenario: str
    unmet: Number = 0
    """The conditions of goodput that may be unmet, as bits; some may not apply to the scenario."""
    abandoned: bool = False
    """The requests were in flight when the run ended, and their result is unknown."""
    doubtful: Number = 0
    """Those of the conditions that may be met, by the better bounds of the values."""


class SlotCounts(Struct, kw_only=True, array_like=True, gc=False):
    """The requests of one position, as an objective sees them."""

    version: Count = 0
    n: Count = 0
    bad_at_least: Count = 0
    """How many of n violate the objective, by the better bound of each value."""
    bad_at_most: Count = 0
    """Likewise by the worse bound."""
    unanswered: Count = 0
    """Requests without an answer or a token; also bad if answers of their scenario have the metric at all."""
    ended_ok: Count = 0
    total: Total = 0.0
    """For a mean, the sum of the deviations from the limit, with `squares`; else a sum: of tokens, or of the gaps of ok
    answers."""
    squares: Total = 0.0
    due: Count = 0
    """In windows, all requests that the tags admit whatever their outcome, except those cancelled on purpose."""
    cancelled: Count = 0
    """Requests that were cancelled on purpose, and so are no part of a rate of errors."""
    measured: Count = 0
    """Ok answers with a value of the metric."""
    missing: Count = 0
    """Ok answers without a value that they should have."""
    too_large: Total = 0.0
    """For a mean, by how much its values may be too large in total."""
    too_small: Total = 0.0

    def add(self, other: "SlotCounts") -> None:
        """Count the requests of another process as well."""
        self.n += other.n
        self.bad_at_least += other.bad_at_least
        self.bad_at_most += other.bad_at_most
        self.unanswered += other.unanswered
        self.ended_ok += other.ended_ok
        self.total += other.total
        self.squares += other.squares
        self.due += other.due
        self.cancelled += other.cancelled
        self.measured += other.measured
        self.missing += other.missing
        self.too_large += other.too_large
        self.too_small += other.too_small


class IndicatorSlot(Struct, kw_only=True, array_like=True, gc=False):
    """The counts of one position of an objective."""

    indicator: Number
    """The number of the objective among those of different content."""
    position: Position
    counts: SlotCounts


class WindowValues(Struct, kw_only=True, array_like=True, gc=False):
    """The values in one window of an objective, where they are on no record."""

    indicator: Number
    """The number of the objective among those of different content."""
    window: Number
    values: bytes
    """As `histogram.packed` writes them."""


class Snapshot(Struct, kw_only=True):
    """The slots of one process that have changed since its last snapshot, or all of them."""

    worker: Worker
    number: Count
    """The number of the snapshot in its process, from 1, so that a lost one is noticed."""
    whole: bool = False
    """It holds every slot and replaces everything sent before."""
    slots: tuple[Slot, ...] = ()
    """A slot of several seconds replaces those that it covers."""
    indicators: tuple[IndicatorSlot, ...] = ()
    windows: tuple[WindowValues, ...] = ()
    """Those that have changed, or all of them; only of runs whose numbers come from the snapshots."""
    transitions: tuple[Transition, ...] = ()
    """Every change of a breaker so far, starting with number `transitions_from`."""
    transitions_from: Count = 0
    first_start_s: Instant | None = None
    """When the first request was sent, in seconds since the run's start; None until one has ended."""
    last_due_at_s: Instant = 0.0
    last_end_s: Instant = 0.0
    tallies: tuple[Tally, ...] = ()
    """Those that have changed, or all of them."""
    late: Count = 0
    """The requests so far that started later than the run's thresholds allow."""
    in_flight: dict[Second, Count] = {}
    """The requests that were started and have not ended, by the second in which they were due."""
    health: End | None = None
    """What the last line of the process would say now; None where nobody measures it."""
