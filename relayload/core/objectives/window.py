"""A window of a run, in which an objective is judged by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a run, by the time at which its requests were due."""

    number: int
    """The number of the window by the plan of the run."""
    begins_at_s: float
    ends_at_s: float
    whole: bool = True
    """It has the full length, and is not the rest at the end of a row."""
    rest: "Window | None" = None
    """A later one that is judged together with it. Nothing was due between them."""

    @property
    def numbers(self) -> tuple[int, ...]:
        return (self.number, *(self.rest.numbers if self.rest else ()))

    @property
    def parts(self) -> tuple[tuple[float, float], ...]:
        """When it begins and ends, and its rest likewise."""
        return ((self.begins_at_s, self.ends_at_s), *(self.rest.parts if self.rest else ()))

    @property
    def until_s(self) -> float:
        """When all of it is over."""
        return self.parts[-1][1]
