"""All requests of a run that share every tag: the smallest unit that tables and objectives add up."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from relayload.core.metrics.chunk_gaps import GapCounts
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.end_counts import EndCounts
from relayload.core.metrics.retry_counts import RetryCounts
from relayload.core.metrics.rows import Rows
from relayload.core.metrics.tokens import Tokens
from relayload.core.metrics.values import Values
from relayload.core.model.record import Attempt, Outcome


class TaggedRequests:
    """The requests of one set of tags: their counts, and the values of their metrics."""

    __slots__ = (
        "attempts",
        "buffered",
        "columns",
        "condensed",
        "ends",
        "gaps",
        "indices",
        "relay_message",
        "remarks",
        "retried",
        "retries",
        "retry_counts",
        "thought_in_part",
        "tokens",
        "untimed",
    )

    def __init__(
        self, columns: Columns | None = None, gaps: GapCounts | None = None, ends: EndCounts | None = None
    ) -> None:
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
        self.attempts = 0
        self.retries = 0
        self.retry_counts = RetryCounts()
        self.buffered = 0
        self.remarks: Counter[str] = Counter()
        """The number of odd answers by the name of the `Remark`."""
        self.thought_in_part = 0
        """Streams with an unknown number of streamed tokens."""
        self.untimed = 0
        """Streams on record without the time to their last token, as earlier versions wrote them."""
        self.relay_message: tuple[float, str] | None = None
        """When the first request that failed with a message was due, and the message."""

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
        records, answers, ok = rows.records, rows.answers, rows.records[0].outcome is Outcome.OK
        self.columns.extend(rows)
        self.ends.add(rows, ok=ok)
        if records[0].target is not None:
            self.indices.fromlist([-1 if record.turn else record.index for record in records])
        self.attempts += len(rows.attempts)
        self.tokens.extend(rows.attempts)
        if not rows.once:
            self.retries += rows.retries
            self.retried.extend([attempt for record in records for attempt in record.attempts[:-1]])
        if not (rows.once and ok):
            self.retry_counts.extend(records)
        if not ok:
            failed = zip(records, answers, strict=True)
            self._keep_first(
                (one.intended_at_s, answer.relay_message) for one, answer in failed if answer.relay_message
            )
        self.buffered += sum(map(attrgetter("buffered"), answers))
        for remarks in filter(None, map(attrgetter("remarks"), answers)):
            self.remarks.update(remarks)
        if not math.isfinite(sum(rows["tpot"])):
            self._count_unpaced(answers)
        self.gaps.extend(rows.due_at_s, list(map(attrgetter("chunk_gaps"), answers)))

    def merge(self, other: "TaggedRequests") -> None:
        if other.relay_message:
            self._keep_first([other.relay_message])
        self.columns.merge(other.columns)
        self._merge_condensed(other.condensed)
        self.indices.extend(other.indices)
        self.gaps.merge(other.gaps)
        self.ends.merge(other.ends)
        self.tokens.merge(other.tokens)
        self.retried.merge(other.retried)
        self.attempts += other.attempts
        self.retries += other.retries
        self.retry_counts.merge(other.retry_counts)
        self.buffered += other.buffered
        self.remarks.update(other.remarks)
        self.thought_in_part += other.thought_in_part
        self.untimed += other.untimed

    def condense(self, width_s: float) -> None:
        """Keep requests as histograms in slots of that width; see `Condensed`."""
        own = Condensed(width_s) if self.condensed is None else self.condensed.widened(width_s)
        own.add(self.columns)
        self.condensed = own
        self.columns = Columns()
        self.indices = array("q")

    def _count_unpaced(self, answers: Sequence[Attempt]) -> None:
        """Count streams without a time per token for lack of a number."""
        unpaced = [answer for answer in answers if answer.streamed_tokens is None and answer.ttft_s is not None]
        untimed = sum(answer.last_token_s is None for answer in unpaced)
        self.untimed += untimed
        self.thought_in_part += len(unpaced) - untimed

    def _keep_first(self, messages: Iterable[tuple[float, str]]) -> None:
        known = [self.relay_message] if self.relay_message else []
        self.relay_message = min([*messages, *known], default=None)

    def _merge_condensed(self, other: Condensed | None) -> None:
        if other is None:
            return
        own = Condensed(other.width_s) if self.condensed is None else self.condensed
        self.condensed = own.widened(max(own.width_s, other.width_s))
        self.condensed.merge(other)
