"""All requests of a run that share every tag: the smallest unit that tables and objectives add up."""

from array import array
from operator import attrgetter

from relayload.core.metrics.chunk_gaps import GapCounts
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.end_counts import EndCounts
from relayload.core.metrics.rows import Rows
from relayload.core.metrics.tag_tally import TagTally
from relayload.core.metrics.tokens import Tokens
from relayload.core.metrics.values import Values
from relayload.core.model.record import Outcome


class TaggedRequests(TagTally):
    """The requests of one set of tags: their counts, and the values of their metrics."""

    __slots__ = (
        "columns",
        "condensed",
        "ends",
        "gaps",
        "indices",
        "retried",
        "retries",
        "tokens",
    )

    def __init__(
        self, columns: Columns | None = None, gaps: GapCounts | None = None, ends: EndCounts | None = None
    ) -> None:
        super().__init__()
        self.columns = Columns() if columns is None else columns
        """The columns of the requests that are not condensed."""
        self.condensed: Condensed | None = None
        self.indices = array("q")
        """The indices of arrivals, -1 for later turns; kept only with several targets, to find pairs."""
        self.gaps = GapCounts() if gaps is None else gaps
        self.ends = EndCounts() if ends is None else ends
        self.tokens = Tokens()
        self.retried = Tokens()
        """The part of the tokens that belongs to attempts that were retried."""
        self.retries = 0

    def __len__(self) -> int:
        return len(self.columns) + (0 if self.condensed is None else len(self.condensed))

    @property
    def values(self) -> Values:
        """The values of all requests, which are kept either individually or condensed."""
        if self.condensed is None:
            return self.columns
        assert not len(self.columns), "some are still to be condensed"
        return self.condensed

    def extend(self, rows: Rows) -> None:
        """Add requests."""
        records, answers = rows.records, rows.answers
        self.tally(rows)
        self.columns.extend(rows)
        self.ends.add(rows, ok=records[0].outcome is Outcome.OK)
        if records[0].target is not None:
            self.indices.fromlist([-1 if record.turn else record.index for record in records])
        self.tokens.extend(rows.attempts)
        if not rows.once:
            self.retries += rows.retries
            self.retried.extend([attempt for record in records for attempt in record.attempts[:-1]])
        self.gaps.extend(rows.due_at_s, list(map(attrgetter("chunk_gaps"), answers)))

    def merge(self, other: "TaggedRequests") -> None:
        self.merge_tally(other)
        self.columns.merge(other.columns)
        self._merge_condensed(other.condensed)
        self.indices.extend(other.indices)
        self.gaps.merge(other.gaps)
        self.ends.merge(other.ends)
        self.tokens.merge(other.tokens)
        self.retried.merge(other.retried)
        self.retries += other.retries

    def condense(self, width_s: float) -> None:
        """Keep requests as histograms in slots of that width; see `Condensed`."""
        own = Condensed(width_s) if self.condensed is None else self.condensed.widened(width_s)
        own.add(self.columns)
        self.condensed = own
        self.columns = Columns()
        self.indices = array("q")

    def _merge_condensed(self, other: Condensed | None) -> None:
        if other is None:
            return
        own = Condensed(other.width_s) if self.condensed is None else self.condensed
        self.condensed = own.widened(max(own.width_s, other.width_s))
        self.condensed.merge(other)
