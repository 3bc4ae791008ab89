"""Keeps a run within its bounds: caps on requests and dollars, and a fuse for a failing target.

A request is admitted before it is sent, with the most that it may cost, and settled with its actual cost. So the amount
spent plus the most that requests in flight may cost never exceeds the cap. If no such bound is known, as without a
budget for the answer, the mean cost of earlier requests is reserved, and requests in flight can exceed the cap.

A guard that has tripped admits no more requests.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from relayload.core.resilience.sliding_windows import TimeWindow
from relayload.core.units import format_duration, format_usd

_NOTHING = Decimal(0)


class Bound(StrEnum):
    """What stopped a run, named by its profile key."""

    REQUESTS = "max_requests"
    DURATION = "max_duration"
    USD = "max_usd"
    AUTH_FAILURES = "fuse.auth_failures"
    ERRORS = "fuse.errors"


@dataclass(frozen=True, slots=True)
class Caps:
    """The most requests to send and dollars to spend; None means no cap."""

    requests: int | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FusePolicy:
    """When a target counts as failing, judged by the answers of the last `over_s` seconds."""

    auth_failures: int | None = 20
    """Trip if this many answers refused the key, with 401, 403 or similar."""
    errors: float | None = 0.5
    """Trip if this share of the answers failed. A 429 does not count as failed."""
    over_s: float = 30.0
    min_requests: int = 50
    """The fewest answers for `errors` to apply."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a worker has sent and spent, including the most that requests in flight may cost."""

    requests: int = 0
    usd: Decimal = _NOTHING


@dataclass(slots=True)
class Guard:
    """The guard of one worker. The caller passes the time, which never goes back."""

    caps: Caps
    fuse: FusePolicy | None = None
    tripped: Bound | None = None
    reason: str = ""
    """What tripped it, as text for the user."""
    _requests: int = 0
    _settled: int = 0
    _settled_usd: Decimal = _NOTHING
    _reserved_usd: Decimal = _NOTHING
    _failed: TimeWindow = field(init=False)
    _refused: TimeWindow = field(init=False)

    def __post_init__(self) -> None:
        over_s = self.fuse.over_s if self.fuse else 1.0
        self._failed, self._refused = TimeWindow(over_s), TimeWindow(over_s)

    @property
    def spent(self) -> Spent:
        return Spent(self._requests, self._settled_usd + self._reserved_usd)

    def admit(self, most_usd: Decimal | None) -> Decimal | None:
        """Reserve the most that one request may cost (None: unknown). Returns None if it must not be sent.

        Pass the returned amount to `settle` after the answer.
        """
        reserved = self.reserve_of(most_usd)
        if self.tripped is None:
            self._check_caps(reserved)
        if self.tripped is not None:
            return None
        self._requests += 1
        self._reserved_usd += reserved
        return reserved

    def has_room(self, most_usd: Decimal | None) -> bool:
        """Return whether the caps have room for one request more."""
        return self._has_request and self._has_usd(self.reserve_of(most_usd))

    def reserve_of(self, most_usd: Decimal | None) -> Decimal:
        """Return what to reserve for a request that may cost so much; the mean cost so far if nobody knows (None)."""
        if most_usd is not None:
            return most_usd
        return self._settled_usd / self._settled if self._settled else _NOTHING

    def cancel(self, reserved_usd: Decimal) -> None:
        """Take back the admission of a request that was not sent after all."""
        self._requests -= 1
        self._reserved_usd -= reserved_usd

    def settle(self, reserved_usd: Decimal, paid_usd: Decimal | None) -> None:
        """Replace the reserved amount of an answered request by its cost; if that is unknown (None), it stays."""
        paid = reserved_usd if paid_usd is None else paid_usd
        self._reserved_usd -= reserved_usd
        self._settled_usd += paid
        self._settled += 1

    def observe(self, *, failed: bool, refused: bool, now_s: float) -> None:
        """Count an answer for the fuse; `refused` if it refused the key."""
        fuse = self.fuse
        if fuse is None or self.tripped is not None:
            return
        self._failed.add(failed, False, now_s)
        self._refused.add(refused, False, now_s)
        refusals, failures, answers = self._refused.failures, self._failed.failures, self._failed.calls
        within = format_duration(fuse.over_s)
        if fuse.auth_failures is not None and refusals >= fuse.auth_failures:
            self._trip(Bound.AUTH_FAILURES, f"{refusals} answers in {within} refused the key")
        elif fuse.errors is not None and answers >= fuse.min_requests and failures >= fuse.errors * answers:
            self._trip(Bound.ERRORS, f"{failures} of {answers} requests in {within} failed")

    @property
    def _has_request(self) -> bool:
        return self.caps.requests is None or self._requests < self.caps.requests

    def _has_usd(self, reserved_usd: Decimal) -> bool:
        return self.caps.usd is None or self.spent.usd + reserved_usd <= self.caps.usd

    def _check_caps(self, reserved_usd: Decimal) -> None:
        if not self._has_request:
            self._trip(Bound.REQUESTS, f"{self._requests:,} requests were sent")
        elif not self._has_usd(reserved_usd):
            assert self.caps.usd is not None
            spent, in_flight = format_usd(self._settled_usd), format_usd(self._reserved_usd)
            self._trip(
                Bound.USD,
                f"{spent} of {format_usd(self.caps.usd)} are spent, and {in_flight} may come of requests in flight",
            )

    def _trip(self, bound: Bound, reason: str) -> None:
        self.tripped = bound
        self.reason = f"{bound.value}: {reason}"
