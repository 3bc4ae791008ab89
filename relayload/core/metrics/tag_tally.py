"""What is counted of requests that share every tag, whenever they were due: as a fold does, and a run that goes on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from relayload.core.metrics.retry_counts import RetryCounts
from relayload.core.metrics.rows import Rows
from relayload.core.model.record import Attempt, Outcome
from relayload.core.model.snapshot import Tally
from relayload.core.model.tags import Tags

_BUFFERED, _REMARKS, _STREAMED_TOKENS = attrgetter("buffered"), attrgetter("remarks"), attrgetter("streamed_tokens")
_TURN = attrgetter("turn")


class TagTally:
    """Adding and merging commute."""

    __slots__ = (
        "attempts",
        "buffered",
        "follow_ups",
        "last_end_s",
        "relay_message",
        "remarks",
        "retry_counts",
        "thought_in_part",
        "untimed",
    )

    def __init__(self) -> None:
        self.attempts = 0
        self.last_end_s = 0.0
        """When the last of the requests ended."""
        self.retry_counts = RetryCounts()
        self.follow_ups = 0
        """Later turns of conversations, which are no arrivals."""
        self.buffered = 0
        self.remarks: Counter[str] = Counter()
        """The number of odd answers by the name of the `Remark`."""
        self.thought_in_part = 0
        """Streams with an unknown number of streamed tokens."""
        self.untimed = 0
        """Streams on record without the time to their last token, as earlier versions wrote them."""
        self.relay_message: tuple[float, str] | None = None
        """When the first request that failed with a message was due, and the message."""

    def tally(self, rows: Rows) -> None:
        """Count requests."""
        records, answers, ok = rows.records, rows.answers, rows.records[0].outcome is Outcome.OK
        self.attempts += len(rows.attempts)
        self.last_end_s = max(self.last_end_s, rows.last_end_s)
        if not (rows.once and ok):
            self.retry_counts.extend(records)
        if not ok:
            failed = zip(records, answers, strict=True)
            self._keep_first(
                (one.intended_at_s, answer.relay_message) for one, answer in failed if answer.relay_message
            )
        self.follow_ups += sum(map(bool, map(_TURN, records)))
        self.buffered += sum(map(_BUFFERED, answers))
        for remarks in filter(None, map(_REMARKS, answers)):
            self.remarks.update(remarks)
        if None in map(_STREAMED_TOKENS, answers):
            self._count_unpaced(answers)

    def merge_tally(self, other: "TagTally") -> None:
        if other.relay_message:
            self._keep_first([other.relay_message])
        self.attempts += other.attempts
        self.last_end_s = max(self.last_end_s, other.last_end_s)
        self.retry_counts.merge(other.retry_counts)
        self.follow_ups += other.follow_ups
        self.buffered += other.buffered
        self.remarks.update(other.remarks)
        self.thought_in_part += other.thought_in_part
        self.untimed += other.untimed

    def add(self, told: Tally) -> None:
        """Count what a process has told."""
        if told.relay_message:
            self._keep_first([told.relay_message])
        self.attempts += told.attempts
        self.last_end_s = max(self.last_end_s, told.last_end_s)
        self.retry_counts.retried += told.retried
        self.retry_counts.by_kind.update(told.retries_by_kind)
        self.retry_counts.backoff_s += told.backoff_s
        self.retry_counts.stopped_by.update(told.stopped_by)
        self.follow_ups += told.follow_ups
        self.buffered += told.buffered
        self.remarks.update(told.remarks)
        self.thought_in_part += told.thought_in_part
        self.untimed += told.untimed

    def told(self, tags: Tags) -> Tally:
        """Return the counts as a value to send."""
        return Tally(
            tags=tags,
            attempts=self.attempts,
            retried=self.retry_counts.retried,
            retries_by_kind=dict(self.retry_counts.by_kind),
            backoff_s=self.retry_counts.backoff_s,
            stopped_by=dict(self.retry_counts.stopped_by),
            buffered=self.buffered,
            remarks=dict(self.remarks),
            thought_in_part=self.thought_in_part,
            untimed=self.untimed,
            relay_message=self.relay_message,
            last_end_s=self.last_end_s,
            follow_ups=self.follow_ups,
        )

    def _count_unpaced(self, answers: Sequence[Attempt]) -> None:
        """Count streams without a time per token for lack of a number."""
        unpaced = [answer for answer in answers if answer.streamed_tokens is None and answer.ttft_s is not None]
        untimed = sum(answer.last_token_s is None for answer in unpaced)
        self.untimed += untimed
        self.thought_in_part += len(unpaced) - untimed

    def _keep_first(self, messages: Iterable[tuple[float, str]]) -> None:
        known = [self.relay_message] if self.relay_message else []
        self.relay_message = min([*messages, *known], default=None)
