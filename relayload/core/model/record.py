"""The lines of `records-*.jsonl`.

A records file holds one JSON object per line, distinguished by its `line` field:

- `request`: a `Record`, one for every request that was started;
- `drop`: an arrival that could not be started;
- `breaker`: a circuit breaker changed its state;
- `audited`: an `Audited`, an answer that was counted after the last request;
- `end`: the last line of a worker that finished in order.

Instants (`_at_s`) are seconds since the run's start; durations are seconds; `None` means not measured.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from relayload.core.model.amounts import Count, Index, Instant, Length, Nanoseconds, Seconds, Share, Status, Worker
from relayload.core.model.audited import Audited


class Outcome(StrEnum):
    """How a request, or one attempt of it, ended."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    BROKEN_STREAM = "broken_stream"
    SHORT_CIRCUITED = "short_circuited"
    ABANDONED = "abandoned"
    CANCELLED = "cancelled"
    """The client hung up on purpose, as its scenario demands: not an error."""


_NOT_IMPLEMENTED = 501


def outcome_of_status(status: int) -> Outcome:
    """Return the outcome by the status alone. Redirects, which are not followed, and 501 are rejections."""
    if 200 <= status < 300:
        return Outcome.OK
    if status == 429:
        return Outcome.RATE_LIMITED
    return Outcome.REJECTED if status < 500 or status == _NOT_IMPLEMENTED else Outcome.SERVER_ERROR


class FailureKind(StrEnum):
    """The result of an attempt, finer than its outcome: it decides whose fault it was and whether a retry can help."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    """There were too many requests recently."""
    QUOTA_EXHAUSTED = "quota_exhausted"
    """The account has nothing left, so a retry cannot help."""
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    BROKEN_STREAM = "broken_stream"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    CONTENT_FILTERED = "content_filtered"
    CANCELLED = "cancelled"
    """The client hung up on purpose, which is no error."""


class Remark(StrEnum):
    """An oddity of an answer that is worth a warning."""

    NO_FINISH_REASON = "no_finish_reason"
    """A stream ended with `[DONE]` but gave no finish reason."""
    ZERO_USAGE = "zero_usage"
    """The usage reports no output, though there is some."""
    REPLACED = "replaced"
    """Some of its characters were invalid."""
    INVALID_CALL = "invalid_call"
    """It has a tool call whose arguments do not parse."""
    UNFIT = "unfit"
    """It does not fit the schema that was asked for."""


class BreakerState(StrEnum):
    """CLOSED lets every call through, OPEN none, HALF_OPEN a few as a test."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


EXACT: Final = 0.0
"""No error. Lines leave out a default only if it is this very object."""


class GapErrors(Struct, frozen=True, array_like=True, gc=False):
    """How far the gaps between the chunks of a stream may be off, because some were read together with what followed.

    The chunks of such a read may have arrived up to `most_s` before the instant that was recorded: the gap before them
    may be shorter by that, and the gaps between them, recorded as 0, may add up to it.
    """

    most_s: Length
    reads: Count
    open: Count = 0
    """In so many of the reads, something else followed the last chunk: the gap after it may be longer by `most_s`."""


_WITHOUT_REFUSAL = frozenset(
    (Outcome.UNREACHABLE, Outcome.TIMED_OUT, Outcome.BROKEN_STREAM, Outcome.CANCELLED, Outcome.ABANDONED)
)


class Attempt(Struct, frozen=True, omit_defaults=True, rename={"relay_message": "said"}, gc=False):
    """One try on the wire.

    Every duration counts from `sent_at_s`, the instant the first byte was handed to the network, unless it is
    one of the phases, which follow one another (k6's names): `blocked` (waiting for a connection), `dns`,
    `connect`, `tls`, `send`, `waiting` (to the first header byte), `receive`.
    """

    outcome: Outcome
    error: str | None = None
    """A short stable name of what went wrong, such as `http_429`, `connect`, `first_token_timeout`."""
    relay_message: str | None = None
    """The relay's own words for its error, shortened, without keys; `said` in a recording."""
    kind: FailureKind | None = None
    """The result as the client classified it."""
    status: Status | None = None
    sent_at_s: Instant | None = None
    """Monotonic as the transport returns it; in a record, since the run's start."""
    service_s: Seconds | None = None
    """Time to the last byte."""
    ttft_s: Seconds | None = None
    """Time to the first non-empty content, reasoning or tool-call delta; measured on streams only."""
    ttfo_s: Seconds | None = None
    """Time to the first visible content; measured on streams only."""
    ttft_error_s: Length = EXACT
    """How much too large `ttft_s` may be, because the first token was read together with what followed; 0 where that is
    negligible."""
    ttfo_error_s: Length = EXACT
    """Likewise of `ttfo_s`."""
    last_token_s: Seconds | None = None
    """Time to the last non-empty delta, as `ttft_s` is to the first: a later usage event does not count."""
    last_token_error_s: Length = EXACT
    """How much too large `last_token_s` may be; 0 where that is below 1 % of the time since the first token."""
    chunks: Count = 0
    """Content events of a stream."""
    chunk_gaps: tuple[Count, ...] = ()
    """Gaps between content events as a sparse histogram: bucket, count, bucket, count ..."""
    gap_errors: GapErrors | None = None
    """How far those may be off; None where that is negligible."""
    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    streamed_tokens: Count | None = None
    """Output tokens that were streamed; None where that is unknown, because a part of the reasoning was not."""
    counted: bool = False
    """The output tokens are counted chunks, since the relay sent no usage, or one of 0."""
    remarks: tuple[str, ...] = ()
    """The oddities of the answer, as names of `Remark`."""
    replaced: Count = 0
    """Invalid characters of the answer, such as lone surrogates, that became U+FFFD."""
    buffered: bool = False
    """All content came within 5 ms of the end, in more than 10 events, of an answer that took 20 ms or more: something
    on the way held it back."""
    finish_reason: str | None = None
    request_id: str | None = None
    stated_overhead_s: Length | None = None
    """What the relay itself says that it added, in a header of its answer."""
    text_bytes: Count = 0
    """The length of the visible text of a stream, in UTF-8; approximate if characters were cut."""
    sent_bytes: Count = 0
    received_bytes: Count = 0
    blocked_s: Seconds | None = None
    dns_s: Seconds | None = None
    connect_s: Seconds | None = None
    tls_s: Seconds | None = None
    send_s: Seconds | None = None
    waiting_s: Seconds | None = None
    receive_s: Seconds | None = None
    tool_calls: Count = 0
    """Calls in an ok answer, where the request offered tools."""
    valid_tool_calls: Count = 0
    """Those with a name, and with arguments that are a JSON object."""
    fits_schema: bool | None = None
    """Whether an ok answer is JSON that fits the schema that the request asked for; None where it asked for none, or it
    could not be checked."""

    @property
    def unanswered(self) -> bool:
        """Whether it was sent and ended without content and without a refusal: its input may be charged all the same.

        An abandoned attempt counts, too: the end of the run took it off the wire.
        """
        if self.status is not None and not 200 <= self.status < 300:
            return False
        sent = self.sent_at_s is not None or self.outcome is Outcome.ABANDONED
        return sent and not self.chunks and self.outcome in _WITHOUT_REFUSAL


class Record(Struct, frozen=True, omit_defaults=True, tag_field="line", tag="request", gc=False):
    """One request, from its intended start to its last byte, with every attempt it took."""

    index: Index
    worker: Worker
    scenario: str
    stage: str
    model: str
    measured: bool
    """False in a warm-up stage: the request is counted, but left out of rates and metrics."""
    intended_at_s: Instant
    late_s: Seconds
    """Actual start minus intended start: the generator's own fault."""
    latency_s: Seconds
    """Intended start to the end, including every wait and retry."""
    outcome: Outcome
    target: str | None = None
    """The target it was sent to; None where there is only one."""
    key: str | None = None
    """The name of the key that it went with; None where the target has an `api_key`."""
    turn: Count = 0
    """The turn of a conversation, whose later turns keep the index of the arrival that began it."""
    throttled_s: Seconds = 0.0
    """Time spent waiting for our own quota."""
    backoff_s: Seconds = 0.0
    """Time spent waiting before retries."""
    stopped_by: str | None = None
    """Why a failed request was not retried: `attempts`, `budget`, `breaker`, `deadline`, `asked_wait` ...; None where
    it could not be, or retries were not configured."""
    attempts: tuple[Attempt, ...] = ()
    """The last one is the answering attempt; empty when a breaker refused the request."""
    trace_id: str | None = None
    """The id of the trace that its attempts were to be recorded in; None where none was asked for."""


UNRECORDABLE = "unrecordable"
"""The error of an attempt that replaces one that no line could hold."""


def recordable(record: Record) -> Record:
    """Return the request without its relay's data: its place, times and outcome still hold."""
    answer = record.attempts[-1] if record.attempts else Attempt(outcome=record.outcome)
    kept = Attempt(
        outcome=answer.outcome,
        error=UNRECORDABLE,
        kind=answer.kind,
        status=answer.status,
        sent_at_s=answer.sent_at_s,
        service_s=answer.service_s,
        ttft_s=answer.ttft_s,
        ttfo_s=answer.ttfo_s,
    )
    return structs.replace(record, attempts=(kept,))


GUARDRAIL = "guardrail"
"""The reason of drops between a guard's refusal and the end of the run, and `ended_by` of such a run."""


class Drop(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="line", tag="drop", gc=False):
    """An arrival that was due and could not be started."""

    index: Index
    worker: Worker
    scenario: str
    stage: str
    model: str
    measured: bool
    intended_at_s: Instant
    reason: str
    """`max_in_flight`, `guardrail`, or `late`: starting it so late could have broken `load.limits`."""
    target: str | None = None
    key: str | None = None


class Transition(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="line", tag="breaker", gc=False):
    """A worker's circuit breaker changed its state. Every worker has breakers of its own, as clients do."""

    worker: Worker
    at_s: Instant
    scope: str
    """The scope of the breaker, such as a model; `all` for the only one. With several targets, each has its own
    breakers: `relay/o3`."""
    before: BreakerState
    after: BreakerState
    reason: str
    """`failure_rate`, `consecutive`, `slow_rate`, `cooled_down`, `trials_passed`, `trial_failed`."""
    enforced: bool
    """False where the breaker only watched and refused nothing."""
    calls: Count = 0
    """With `failures` and `slow`, the counts that caused the change: of the window, or of the half-open calls."""
    failures: Count = 0
    slow: Count = 0
    since_s: Instant | None = None
    """When the first failure that caused the trip ended."""
    target: str | None = None


class End(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="line", tag="end"):
    """The last line of a worker: how much it claims to have written, and how well it measured."""

    worker: Worker
    at_s: Instant
    started: Count
    dropped: Count
    began_at_ns: Nanoseconds | None = None
    """The wall clock at the run's start, in nanoseconds since the Unix epoch, to find a request in another log."""
    timestamps: str = "user"
    """`kernel` when the instants of arrival came from the kernel."""
    loop_lag_p95_s: Seconds | None = None
    loop_lag_p99_s: Seconds | None = None
    cpu_share: Share | None = None
    gc_pause_max_s: Seconds | None = None
    open_files_max: Count | None = None
    open_files_limit: Count | None = None
    """How many files the process could have open at once; None without a limit."""


Line = Record | Drop | Transition | Audited | End
