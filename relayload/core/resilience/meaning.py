"""What each kind of failure means for a client: the one table, and the lists by which a profile overrides it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from relayload.core.resilience.classify import Kind, Signs, statuses_named
from relayload.core.resilience.dialects import FAILURES, TIMEOUTS, kind_of_status


class Meaning(NamedTuple):
    """What a client makes of a kind."""

    retried: bool
    """Asking again can help."""
    counted: bool
    """It is the relay's failure, and counts against its breaker."""
    throttling: bool
    """The relay has too much to do, so waits begin longer."""


_NOT_THE_RELAY = Meaning(retried=False, counted=False, throttling=False)
_RELAY_FAILED = Meaning(retried=True, counted=True, throttling=False)

MEANINGS: dict[Kind, Meaning] = {
    Kind.OK: _NOT_THE_RELAY,
    Kind.RATE_LIMITED: Meaning(retried=True, counted=False, throttling=True),
    Kind.QUOTA_EXHAUSTED: _NOT_THE_RELAY,
    Kind.OVERLOADED: Meaning(retried=True, counted=True, throttling=True),
    Kind.SERVER_ERROR: _RELAY_FAILED,
    Kind.TIMED_OUT: _RELAY_FAILED,
    Kind.UNREACHABLE: _RELAY_FAILED,
    Kind.BROKEN_STREAM: _RELAY_FAILED,
    Kind.AUTH: _NOT_THE_RELAY,
    Kind.BAD_REQUEST: _NOT_THE_RELAY,
    Kind.CONTENT_FILTERED: _NOT_THE_RELAY,
    Kind.CANCELLED: _NOT_THE_RELAY,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of the things that can go wrong, such as those that are retried."""

    kinds: frozenset[Kind] = frozenset()
    statuses: frozenset[int] = frozenset()
    failures: frozenset[str] = frozenset()

    def covers(self, kind: Kind, signs: Signs) -> bool:
        """Whether an attempt of this kind, with these signs, is among them."""
        return kind in self.kinds or signs.failure in self.failures or self._covers_status(kind, signs.named_status)

    def _covers_status(self, kind: Kind, status: int | None) -> bool:
        """A status does not cover answers that say more than it, such as a 429 from an account that is used up."""
        if status is None or status not in self.statuses:
            return False
        return MEANINGS[kind].retried or kind is kind_of_status(status)


RETRIED = Selection(frozenset(kind for kind, meaning in MEANINGS.items() if meaning.retried))
"""What is retried if nobody says otherwise."""

COUNTED = Selection(frozenset(kind for kind, meaning in MEANINGS.items() if meaning.counted))
"""What counts against a breaker if nobody says otherwise."""


def selection(names: Iterable[int | str]) -> Selection:
    """What a list such as `[429, 5xx, timeout, connect, broken_stream]` covers.

    Names are kinds, statuses, failures on the wire, `timeout` (any timeout of our own) and `connect` (`unreachable`).
    Raises ValueError, in one line.
    """
    kinds: set[Kind] = set()
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
    return Selection(frozenset(kinds), frozenset(statuses), frozenset(failures))


_KINDS = {kind.value: kind for kind in Kind if kind not in (Kind.OK, Kind.CANCELLED)} | {"connect": Kind.UNREACHABLE}
_FAILURES = {name: frozenset({name}) for name in FAILURES - {"cancelled", "connect"}} | {"timeout": TIMEOUTS}


def _error_statuses(name: int | str) -> frozenset[int]:
    try:
        statuses = statuses_named(name)
    except ValueError:
        statuses = frozenset()
    if min(statuses, default=0) < 300:
        raise ValueError(f"expected a status such as 503 or 5xx, 'timeout' or one of {', '.join(_KINDS)}, got '{name}'")
    return statuses
