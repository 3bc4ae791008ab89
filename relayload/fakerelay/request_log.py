"""The relay's own log of requests: the ground truth of a load test."""

from collections import Counter, deque
from enum import StrEnum
from typing import Any

from msgspec import Struct

from relayload.fakerelay.limits import Recent

KEPT_ENTRIES = 20_000


def request_id(number: int) -> str:
    """Return the id of the request with this number."""
    return f"req_fake{number:024x}"


class Outcome(StrEnum):
    """How a request ended, as seen by the relay."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"
    SERVER_ERROR = "server_error"
    BROKEN = "broken"
    """A fault cut the answer, or replaced it by an error with status 200."""
    ABANDONED = "abandoned"
    """The client went away before the end."""


class Entry(Struct, kw_only=True):
    """One request. Instants are wall-clock nanoseconds, durations are seconds; None means that there was none."""

    path: str
    received_ns: int
    number: int | None = None
    """The number since the start, counting requests that reached a model."""
    model: str | None = None
    kind: str | None = None
    stream: bool = False
    status: int | None = None
    outcome: Outcome | None = None
    ttft_s: float | None = None
    """The drawn time from the slot to the first token, including faults."""
    tokens_per_s: float | None = None
    queued_s: float = 0.0
    first_byte_ns: int | None = None
    """When the first token was written, or the first byte of an answer that is not streamed."""
    ended_ns: int | None = None
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    faults: list[str] = []


class RequestLog:
    """Counts requests and keeps the last ones."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self._outcomes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._models: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter(input=0, cached_input=0, output=0, reasoning=0)
        self._second, self._minute = Recent(1.0), Recent(60.0)
        self._most_in_second = self._most_in_minute = 0
        self._received = self._in_flight = self._peak = 0

    def begin(self, at_s: float) -> None:
        """Count a request that has arrived."""
        self._received += 1
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        self._second.add(at_s)
        self._minute.add(at_s)
        self._most_in_second = max(self._most_in_second, self._second.total)
        self._most_in_minute = max(self._most_in_minute, self._minute.total)

    def end(self, entry: Entry, outcome: Outcome, wall_ns: int) -> None:
        """Count a request that has ended."""
        entry.outcome, entry.ended_ns = outcome, wall_ns
        self._in_flight -= 1
        self._entries.append(entry)
        self._outcomes[outcome] += 1
        self._statuses[str(entry.status)] += 1
        self._models[str(entry.model)] += 1
        self._faults.update(entry.faults)
        if outcome is Outcome.OK:
            self._count_tokens(entry)

    def stats(self) -> dict[str, Any]:
        """Return all counts. Tokens count only requests that ended well."""
        return {
            "requests": self._received,
            "in_flight": self._in_flight,
            "peak_in_flight": self._peak,
            "max_in_1s": self._most_in_second,
            "max_in_60s": self._most_in_minute,
            "by_outcome": {str(outcome): self._outcomes[outcome] for outcome in Outcome},
            "by_status": dict(sorted(self._statuses.items())),
            "by_model": dict(sorted(self._models.items())),
            "faults": dict(sorted(self._faults.items())),
            "tokens": dict(self._tokens),
        }

    def last(self, count: int) -> list[Entry]:
        """Return the last requests, in the order in which they ended."""
        return list(self._entries)[-count:] if count else []

    def _count_tokens(self, entry: Entry) -> None:
        tokens = self._tokens
        tokens["input"] += entry.input_tokens
        tokens["cached_input"] += entry.cached_input_tokens
        tokens["output"] += entry.output_tokens
        tokens["reasoning"] += entry.reasoning_tokens
