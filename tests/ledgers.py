"""A breaker and a quota that keep a ledger, for the tests of calls: each permit and reservation ends exactly once."""

from dataclasses import dataclass, field


@dataclass
class LedgerBreaker:
    """Refuses as it is told, and remembers what it was told."""

    refusals: list[bool] = field(default_factory=list)
    asked: int = 0
    open: set[int] = field(default_factory=set)
    recorded: list[tuple[bool, bool]] = field(default_factory=list)
    released: int = 0

    def try_acquire(self, now_s: float) -> int | None:
        self.asked += 1
        if self.refusals and self.refusals.pop(0):
            return None
        self.open.add(self.asked)
        return self.asked

    def record(self, permit: int, *, failed: bool, slow: bool, now_s: float) -> None:
        self.open.remove(permit)
        self.recorded.append((failed, slow))

    def release(self, permit: int, now_s: float) -> None:
        self.open.remove(permit)
        self.released += 1


@dataclass(eq=False)
class Place:
    wait_s: float
    tokens: int


@dataclass
class LedgerQuota:
    """Lets wait as it is told, and remembers what it was told."""

    waits_s: list[float] = field(default_factory=list)
    open: set[Place] = field(default_factory=set)
    reserved: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    cancelled: int = 0

    def reserve(self, tokens: int, now_s: float) -> Place:
        place = Place(self.waits_s.pop(0) if self.waits_s else 0.0, tokens)
        self.open.add(place)
        self.reserved.append(tokens)
        return place

    def settle(self, reservation: Place, used_tokens: int, now_s: float) -> None:
        self.open.remove(reservation)
        self.settled.append(used_tokens)

    def cancel(self, reservation: Place, now_s: float) -> None:
        self.open.remove(reservation)
        self.cancelled += 1
