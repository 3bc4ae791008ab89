"""What each kind of failure means for a client: the default table, and the lists with which a profile overrides it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import AttemptSignals, statuses_named
from relayload.core.resilience.dialects import FAILURES, TIMEOUTS, kind_of_status


class Meaning(NamedTuple):
    """How a client treats a kind."""

    retried: bool
    """Whether a retry can help."""
    counted: bool
    """Whether it is the relay's failure, which counts against its breaker."""
    throttling: bool
    """Whether the relay is overloaded, so that back-offs start longer."""


_NOT_THE_RELAY = Meaning(retried=False, counted=False, throttling=False)
_RELAY_FAILED = Meaning(retried=True, counted=True, throttling=False)

MEANINGS: dict[FailureKind, Meaning] = {
    FailureKind.OK: _NOT_THE_RELAY,
    FailureKind.RATE_LIMITED: Meaning(retried=True, counted=False, throttling=True),
    FailureKind.QUOTA_EXHAUSTED: _NOT_THE_RELAY,
    FailureKind.OVERLOADED: Meaning(retried=True, counted=True, throttling=True),
    FailureKind.SERVER_ERROR: _RELAY_FAILED,
    FailureKind.TIMED_OUT: _RELAY_FAILED,
    FailureKind.UNREACHABLE: _RELAY_FAILED,
    FailureKind.BROKEN_STREAM: _RELAY_FAILED,
    FailureKind.AUTH: _NOT_THE_RELAY,
    FailureKind.BAD_REQUEST: _NOT_THE_RELAY,
    FailureKind.CONTENT_FILTERED: _NOT_THE_RELAY,
    FailureKind.CANCELLED: _NOT_THE_RELAY,
}


@dataclass(frozen=True, slots=True)
class FailureMatcher:
    """A set of failures, such as those that are retried."""

    kinds: frozenset[FailureKind] = frozenset()
    statuses: frozenset[int] = frozenset()
    failures: frozenset[str] = frozenset()

    def covers(self, kind: FailureKind, signals: AttemptSignals) -> bool:
        """Return whether an attempt of this kind with these signals belongs to the set."""
        return kind in self.kinds or signals.failure in self.failures or self._covers_status(kind, signals.named_status)

    def _covers_status(self, kind: FailureKind, status: int | None) -> bool:
        """Match by status, but not answers that are more specific, such as a 429 from a used-up account."""
        if status is None or status not in self.statuses:
            return False
        return MEANINGS[kind].retried or kind is kind_of_status(status)


RETRIED = FailureMatcher(frozenset(kind for kind, meaning in MEANINGS.items() if meaning.retried))
"""What is retried by default."""

COUNTED = FailureMatcher(frozenset(kind for kind, meaning in MEANINGS.items() if meaning.counted))
"""What counts against a breaker by default."""


def failure_matcher(names: Iterable[int | str]) -> FailureMatcher:
    """Return the set that a list such as `[429, 5xx, timeout, connect, broken_stream]` describes.

    Names are kinds, statuses, failures on the wire, `timeout` (any of the client's timeouts) and `connect`
    (`unreachable`). Raises ValueError with a one-line message.
    """
    kinds: set[FailureKind] = set()
    statuses: set[int] = set()
    failures: set[str] = set()
    for name in names:
        text = str(name).lower()
        if text in _KINDS:
            kinds.add(_KINDS[text])
        elif text in _FAILURES:
            failures |= _FAILURES[text]
        else:
            statuses |= _error_statuses(name)
    return FailureMatcher(frozenset(kinds), frozenset(statuses), frozenset(failures))


_KINDS = {kind.value: kind for kind in FailureKind if kind not in (FailureKind.OK, FailureKind.CANCELLED)} | {
    "connect": FailureKind.UNREACHABLE
}
_FAILURES = {name: frozenset({name}) for name in FAILURES - {"cancelled", "connect"}} | {"timeout": TIMEOUTS}


def _error_statuses(name: int | str) -> frozenset[int]:
    try:
        statuses = statuses_named(name)
    except ValueError:
        statuses = frozenset()
    if min(statuses, default=0) < 300:
        raise ValueError(f"expected a status such as 503 or 5xx, 'timeout' or one of {', '.join(_KINDS)}, got '{name}'")
    return statuses
