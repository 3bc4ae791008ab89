"""A breaker and a quota that keep a ledger, for the tests of calls: each permit and reservation ends exactly once."""

from dataclasses import dataclass, field

from relayload.core.resilience.breaker import Permit
from relayload.core.resilience.limit import Reservation


@dataclass
class LedgerBreaker:
    """Refuses as it is told, and remembers what it was told."""

    refusals: list[bool] = field(default_factory=list)
    asked: int = 0
    open: set[Permit] = field(default_factory=set)
    recorded: list[tuple[bool, bool]] = field(default_factory=list)
    released: int = 0

    def try_acquire(self, now_s: float) -> Permit | None:
        self.asked += 1
        if self.refusals and self.refusals.pop(0):
            return None
        permit = Permit(0)
        self.open.add(permit)
        return permit

    def record(self, permit: Permit, *, failed: bool, slow: bool, now_s: float) -> None:
        self.open.remove(permit)
        self.recorded.append((failed, slow))

    def release(self, permit: Permit, now_s: float) -> None:
        self.open.remove(permit)
        self.released += 1


@dataclass
class LedgerQuota:
    """Lets wait as it is told, and remembers what it was told."""

    waits_s: list[float] = field(default_factory=list)
    open: set[Reservation] = field(default_factory=set)
    reserved: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    cancelled: int = 0

    def reserve(self, tokens: int, now_s: float) -> Reservation:
        wait_s = self.waits_s.pop(0) if self.waits_s else 0.0
        reservation = Reservation(now_s + wait_s, wait_s, tokens)
        self.open.add(reservation)
        self.reserved.append(tokens)
        return reservation

    def settle(self, reservation: Reservation, used_tokens: int, now_s: float) -> None:
        self.open.remove(reservation)
        self.settled.append(used_tokens)

    def cancel(self, reservation: Reservation, now_s: float) -> None:
        self.open.remove(reservation)
        self.cancelled += 1
