"""Token counts of attempts, added up."""

from collections.abc import Sequence
from operator import attrgetter

from relayload.core.model.record import Attempt


class Tokens:
    """Token counts added up, as far as relays reported them."""

    __slots__ = ("blind", "cached_input", "counted", "input", "output", "reasoning", "told", "with_output")

    def __init__(self) -> None:
        self.input = self.cached_input = self.output = self.reasoning = 0
        self.told = 0
        """Attempts whose input tokens the relay reported."""
        self.counted = 0
        """Attempts whose output tokens are counted chunks."""
        self.blind = 0
        """Attempts that may be charged for input tokens that the relay did not report: those among `counted`, and those
        that were sent and got no answer."""
        self.with_output = 0
        """Attempts with a known number of output tokens, reported or counted."""

    def extend(self, attempts: Sequence[Attempt]) -> None:
        reported = [count for count in map(attrgetter("input_tokens"), attempts) if count is not None]
        self.input += sum(reported)
        self.told += len(reported)
        self.cached_input += sum(filter(None, map(attrgetter("cached_input_tokens"), attempts)))
        outputs = [count for count in map(attrgetter("output_tokens"), attempts) if count is not None]
        self.output += sum(outputs)
        self.with_output += len(outputs)
        self.reasoning += sum(filter(None, map(attrgetter("reasoning_tokens"), attempts)))
        self.counted += sum(map(attrgetter("counted"), attempts))
        if len(reported) < len(attempts):
            unreported = [attempt for attempt in attempts if attempt.input_tokens is None]
            self.blind += sum(attempt.counted or attempt.unanswered for attempt in unreported)

    @property
    def numbers(self) -> tuple[int, ...]:
        """All counts in a fixed order, for sending."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def without(self, part: "Tokens") -> "Tokens":
        """Return these counts less those of a part."""
        left = Tokens()
        for name in Tokens.__slots__:
            setattr(left, name, getattr(self, name) - getattr(part, name))
        return left

    def merge(self, other: "Tokens") -> None:
        self.add(other.numbers)

    def add(self, numbers: Sequence[int], times: int = 1) -> None:
        """Add the counts of `numbers`, this many times."""
        for name, number in zip(self.__slots__, numbers, strict=True):
            setattr(self, name, getattr(self, name) + times * number)
