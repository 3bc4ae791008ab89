"""What a search may do, and how finely it looks."""

import math

from msgspec import Struct

from relayload.core.capacity.lengths import Lengths
from relayload.core.capacity.levels import Over


class Terms(Struct, frozen=True, kw_only=True):
    """The terms of a search. Levels are arrivals per second or users."""

    over: Over = Over.RATE
    start: float
    lowest: float
    highest: float
    precision: float = 0.05
    at_least: float | None = None
    """Prove or refute this level alone."""
    control: bool = True
    """Whether a suspicion that the relay grows slower is settled by one more trial."""
    lengths: Lengths = Lengths()
    most_trials: int = 40
    most_load_s: float = math.inf
    """The most seconds of load over all trials."""

    def close(self, low: float, high: float) -> bool:
        """Return whether two levels are within the precision, or neighbours."""
        return high <= max(low * (1 + self.precision), low + self.over.step)

    def clamped(self, level: float) -> float:
        return min(max(self.over.rounded(level), self.lowest), self.highest)
