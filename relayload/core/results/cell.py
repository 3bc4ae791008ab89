"""All requests of a run that share every tag: the smallest piece that tables and objectives add up."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from relayload.core.results.columns import Columns
from relayload.core.results.condensed import Condensed
from relayload.core.results.gaps import GapCounts
from relayload.core.results.record import Attempt, Outcome, Record
from relayload.core.results.tries import Tries

_NO_FAILURES = (Outcome.OK.value, Outcome.CANCELLED.value)


class Place(NamedTuple):
    """Where in the plan a request belongs."""

    scenario: str
    model: str
    stage: str
    measured: bool
    target: str | None = None
    """None where there is only one."""


class Key(NamedTuple):
    """What the requests of a cell have in common. Outcome, error and kind are plain text, which hashes fast."""

    place: Place
    outcome: str
    status: int | None
    error: str | None
    kind: str | None = None
    """What the client made of the last attempt."""

    @property
    def ok(self) -> bool:
        return self.outcome == Outcome.OK.value

    @property
    def failed(self) -> bool:
        """Whether somebody waited in vain: neither ok nor cancelled by the client itself."""
        return self.outcome not in _NO_FAILURES


class Tokens:
    """Token counts added up, as far as relays told them."""

    __slots__ = ("blind", "cached_input", "counted", "input", "output", "reasoning", "told", "with_output")

    def __init__(self) -> None:
        self.input = self.cached_input = self.output = self.reasoning = 0
        self.told = 0
        """Attempts of which the relay told how much went in."""
        self.counted = 0
        """Attempts whose output tokens are counted chunks."""
        self.blind = 0
        """Of these, the ones of which the relay did not tell how much went in."""
        self.with_output = 0
        """Attempts of which it is known how much came out, told or counted."""

    def extend(self, attempts: Sequence[Attempt]) -> None:
        told = [count for count in map(attrgetter("input_tokens"), attempts) if count is not None]
        self.input += sum(told)
        self.told += len(told)
        self.cached_input += sum(filter(None, map(attrgetter("cached_input_tokens"), attempts)))
        outputs = [count for count in map(attrgetter("output_tokens"), attempts) if count is not None]
        self.output += sum(outputs)
        self.with_output += len(outputs)
        self.reasoning += sum(filter(None, map(attrgetter("reasoning_tokens"), attempts)))
        counted = sum(map(attrgetter("counted"), attempts))
        if counted:
            self.counted += counted
            self.blind += sum(attempt.counted and attempt.input_tokens is None for attempt in attempts)

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Tokens":
        """What `numbers` has told."""
        tokens = cls()
        for name, number in zip(cls.__slots__, numbers, strict=True):
            setattr(tokens, name, number)
        return tokens

    @property
    def numbers(self) -> tuple[int, ...]:
        """All counts in a fixed order, to be sent on."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def without(self, part: "Tokens") -> "Tokens":
        """What is left once a part of these is taken out."""
        left = Tokens()
        for name in Tokens.__slots__:
            setattr(left, name, getattr(self, name) - getattr(part, name))
        return left

    def merge(self, other: "Tokens") -> None:
        self.input += other.input
        self.cached_input += other.cached_input
        self.output += other.output
        self.reasoning += other.reasoning
        self.counted += other.counted
        self.told += other.told
        self.blind += other.blind
        self.with_output += other.with_output


class Cell:
    """The requests of one key: how many there are of what, and the values of their metrics."""

    __slots__ = (
        "attempts",
        "buffered",
        "columns",
        "condensed",
        "gaps",
        "indices",
        "remarks",
        "retried",
        "retries",
        "said",
        "thought_in_part",
        "tokens",
        "tries",
        "untimed",
    )

    def __init__(self, columns: Columns | None = None, gaps: GapCounts | None = None) -> None:
        self.columns = Columns() if columns is None else columns
        """Of the requests that are not condensed."""
        self.condensed: Condensed | None = None
        self.indices = array("q")
        """Of the arrivals, -1 for later turns; kept where there are several targets, to find those sent as one."""
        self.gaps = GapCounts() if gaps is None else gaps
        self.tokens = Tokens()
        self.retried = Tokens()
        """Of the tokens, those of attempts that another one followed."""
        self.attempts = 0
        self.retries = 0
        self.tries = Tries()
        self.buffered = 0
        self.remarks: Counter[str] = Counter()
        """How many answers were odd in a way, by the name of the `Remark`."""
        self.thought_in_part = 0
        """Streams of which nobody can tell how many of their tokens came."""
        self.untimed = 0
        """Streams on record without the time to their last token, as relayload wrote them once."""
        self.said: tuple[float, str] | None = None
        """What the relay said of its error the first time, and when that request was due."""

    def __len__(self) -> int:
        return len(self.columns) + (0 if self.condensed is None else len(self.condensed))

    @property
    def values(self) -> Columns | Condensed:
        """The values of all requests, which are either kept each or condensed."""
        if self.condensed is None:
            return self.columns
        assert not len(self.columns), "some are still to be condensed"
        return self.condensed

    def extend(self, records: Sequence[Record], answers: Sequence[Attempt]) -> None:
        """Add requests, each with its answering attempt."""
        ok, before = records[0].outcome is Outcome.OK, len(self.columns)
        self.columns.extend(records, answers)
        if records[0].target is not None:
            self.indices.fromlist([-1 if record.turn else record.index for record in records])
        tries = list(map(len, map(attrgetter("attempts"), records)))
        once = tries.count(1) == len(tries)
        attempts = answers if once else [attempt for record in records for attempt in record.attempts]
        self.attempts += len(attempts)
        self.tokens.extend(attempts)
        if not once:
            self.retries += len(attempts) - len(tries) + tries.count(0)
            self.retried.extend([attempt for record in records for attempt in record.attempts[:-1]])
        if not (once and ok):
            self.tries.extend(records)
        if not ok:
            saying = zip(records, answers, strict=True)
            self._hear((record.intended_at_s, answer.said) for record, answer in saying if answer.said)
        self.buffered += sum(map(attrgetter("buffered"), answers))
        for remarks in filter(None, map(attrgetter("remarks"), answers)):
            self.remarks.update(remarks)
        if not math.isfinite(sum(self.columns["tpot"][before:])):
            self._count_unpaced(answers)
        self.gaps.extend(self.columns.due_s[before:], list(map(attrgetter("chunk_gaps"), answers)))

    def merge(self, other: "Cell") -> None:
        if other.said:
            self._hear([other.said])
        self.columns.merge(other.columns)
        self._merge_condensed(other.condensed)
        self.indices.extend(other.indices)
        self.gaps.merge(other.gaps)
        self.tokens.merge(other.tokens)
        self.retried.merge(other.retried)
        self.attempts += other.attempts
        self.retries += other.retries
        self.tries.merge(other.tries)
        self.buffered += other.buffered
        self.remarks.update(other.remarks)
        self.thought_in_part += other.thought_in_part
        self.untimed += other.untimed

    def condense(self, width_s: float, rowwise: frozenset[str] | None) -> None:
        """Keep requests as histograms in slots of that width; see `Condensed`."""
        if self.condensed is None:
            self.condensed = Condensed(width_s, rowwise)
        self.condensed.widen(width_s)
        self.condensed.add(self.columns)
        self.columns = Columns()
        self.indices = array("q")

    def _count_unpaced(self, answers: Sequence[Attempt]) -> None:
        """Count streams that have no time per token for want of a number."""
        unpaced = [answer for answer in answers if answer.streamed_tokens is None and answer.ttft_s is not None]
        untimed = sum(answer.last_token_s is None for answer in unpaced)
        self.untimed += untimed
        self.thought_in_part += len(unpaced) - untimed

    def _hear(self, saying: Iterable[tuple[float, str]]) -> None:
        self.said = min([*saying, *([self.said] if self.said else [])], default=None)

    def _merge_condensed(self, other: Condensed | None) -> None:
        if other is None:
            return
        own = Condensed(other.width_s, other.rowwise) if self.condensed is None else self.condensed
        width_s = max(own.width_s, other.width_s)
        own.widen(width_s)
        own.merge(other.widened(width_s))
        self.condensed = own


NO_ANSWER = Attempt(outcome=Outcome.SHORT_CIRCUITED)
"""Stands for the answering attempt of a request that had none."""
