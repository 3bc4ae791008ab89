"""What a search varies: the arrivals per second of an open load, or the users of a closed one.

Both are levels of load, kept as floats. Rates have four digits, and users are whole.
"""

from enum import StrEnum


class Over(StrEnum):
    """What a search varies."""

    RATE = "rate"
    """Arrivals per second of an open load."""
    USERS = "users"
    """Users of a closed load, each of whom waits for the answer."""

    @property
    def step(self) -> float:
        """The least difference between two levels that are told apart."""
        return 1.0 if self is Over.USERS else 0.0

    def rounded(self, level: float) -> float:
        """Return the level as trials are asked for it."""
        return float(round(level)) if self is Over.USERS else float(f"{level:.4g}")

    def below(self, level: float, factor: float) -> float:
        """Return the level lower by a factor, and by a step at least."""
        return min(self.rounded(level / factor), level - self.step)

    def above(self, level: float, factor: float) -> float:
        """Return the level higher by a factor, and by a step at least."""
        return max(self.rounded(level * factor), self.rounded(level) + self.step)

    def told(self, level: float) -> str:
        """Return the level with its unit."""
        if self is Over.USERS:
            return f"{level:.0f} user{'' if level == 1 else 's'}"
        return f"{level:.4g}/s"
