"""Groups of finished requests by tags, read column by column at a fifth of the cost of row by row."""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import add, attrgetter, sub
from types import MappingProxyType

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.reading import Computed, Derived, OfAnswer, OfRequest
from relayload.core.model.audited import Audited
from relayload.core.model.record import Attempt, Drop, End, Line, Outcome, Record, Transition
from relayload.core.model.tags import PlanTags, Tags

_NOT_MEASURED = math.nan
_NO_ANSWER = Attempt(outcome=Outcome.SHORT_CIRCUITED)
"""Replaces the answering attempt of a request without one."""
_PLACE_AND_OUTCOME = attrgetter("scenario", "model", "stage", "measured", "target", "key", "outcome._value_")
_STATUS_ERROR_KIND = attrgetter("status", "error", "kind")
_ATTEMPTS = attrgetter("attempts")
_TTFT = attrgetter("ttft_s")
_OUTPUT_TOKENS = attrgetter("output_tokens")


class Rows:
    """Requests that share all tags, each with its answering attempt. Columns are read on demand.

    A column holds one value per request in the order of the records, NaN where the request has none.
    """

    def __init__(self, records: Sequence[Record], answers: Sequence[Attempt]) -> None:
        self.records = records
        self.answers = answers
        self.retry_counts = list(map(len, map(_ATTEMPTS, records)))
        """How many attempts each request took."""
        self._columns: dict[str, array[float]] = {}
        self._end_cells: dict[Cells, list[int]] = {}
        self._ended_in: dict[Cells, Mapping[int, int]] = {}
        self._tokens_in: dict[Cells, Mapping[int, int]] = {}
        self.slots: dict[Hashable, tuple[Sequence[int], Mapping[int, int]]] = {}
        """By the way in which time is divided, the slot of each request, and the number of requests in each slot."""

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, name: str) -> "array[float]":
        """Return the values of a metric, or another column of `STORED`. Raises KeyError for other names."""
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    @property
    def due_at_s(self) -> "array[float]":
        return self["due"]

    @cached_property
    def ends_s(self) -> list[float]:
        """When each request ended."""
        return list(map(add, self["due"], self["latency"]))

    @cached_property
    def due_seconds(self) -> list[int]:
        """The second of the run in which each request was due."""
        return list(map(math.floor, self["due"]))

    @cached_property
    def due_in(self) -> Mapping[int, int]:
        """How many requests were due in each second of the run."""
        return Counter(self.due_seconds)

    @cached_property
    def last_end_s(self) -> float:
        """When the last of the requests ended."""
        return max(self.ends_s)

    def end_cells(self, cells: Cells) -> list[int]:
        """Return the cell in which each request ended."""
        if cells not in self._end_cells:
            self._end_cells[cells] = cells.numbers(self.ends_s)
        return self._end_cells[cells]

    def ended_in(self, cells: Cells) -> Mapping[int, int]:
        """Return how many requests ended in each cell."""
        if cells not in self._ended_in:
            self._ended_in[cells] = Counter(self.end_cells(cells))
        return self._ended_in[cells]

    def tokens_in(self, cells: Cells) -> Mapping[int, int]:
        """Return the output tokens of the requests that ended in each cell.

        Cells that nothing divides may be taken together as the last of them, which costs a tenth.
        """
        if cells not in self._tokens_in:
            undivided = not cells.divide(min(self.ends_s), self.last_end_s)
            self._tokens_in[cells] = (
                {cells.number(self.last_end_s): self.all_output_tokens}
                if undivided
                else added_up(self.end_cells(cells), self.output_tokens)
            )
        return self._tokens_in[cells]

    @cached_property
    def output_tokens(self) -> list[int]:
        """The output tokens of all attempts of each request."""
        if not self.once:
            return [sum(attempt.output_tokens or 0 for attempt in record.attempts) for record in self.records]
        counts = list(map(_OUTPUT_TOKENS, self.answers))
        return [count or 0 for count in counts] if None in counts else counts

    @property
    def all_output_tokens(self) -> int:
        """The output tokens of all attempts of these requests."""
        known = sum(self["output_tokens"]) if self.once else math.nan
        return int(known) if known == known else sum(self.output_tokens)

    @cached_property
    def end_seconds(self) -> list[int]:
        """The second of the run in which each request ended."""
        return list(map(math.floor, self.ends_s))

    @cached_property
    def streamed(self) -> bool:
        """Whether any of the answers came as a stream."""
        return list(map(_TTFT, self.answers)).count(None) < len(self)

    @cached_property
    def exact(self) -> bool:
        """Whether the instants of all tokens are exact, so that no value may be off."""
        return not any(any(map(error, self.answers)) for error in _ERRORS.values())

    def bounds(self, metric: str) -> tuple[Sequence[float], Sequence[float]]:
        """Return the least and the greatest values that a metric can have had."""
        values, errors = self[metric], METRICS[metric].errors
        if errors is None or self.exact:
            return values, values
        least = list(map(sub, values, errors.too_large(self.__getitem__))) if errors.too_large else values
        most = list(map(add, values, errors.too_small(self.__getitem__))) if errors.too_small else values
        return least, most

    @cached_property
    def once(self) -> bool:
        """Whether each request took one attempt."""
        return self.retry_counts.count(1) == len(self.retry_counts)

    @property
    def retries(self) -> int:
        """How many attempts came after the first of their request."""
        return sum(self.retry_counts) - len(self.retry_counts) + self.retry_counts.count(0)

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every attempt of these requests."""
        return self.answers if self.once else [attempt for record in self.records for attempt in record.attempts]

    def where(self, wanted: Sequence[bool]) -> "Rows":
        """Return the requests whose flag is set."""
        chosen = [number for number, is_wanted in enumerate(wanted) if is_wanted]
        return Rows([self.records[number] for number in chosen], [self.answers[number] for number in chosen])

    def _read(self, name: str) -> "array[float]":
        if name in _OF_REQUEST:
            return array("d", list(map(_OF_REQUEST[name], self.records)))
        if name in _OF_ANSWER:
            return _measured(list(map(_OF_ANSWER[name], self.answers)))
        if name in _ERRORS:
            return array("d", list(map(_ERRORS[name], self.answers)))
        if name in LEAST:
            return array("d", self.bounds(LEAST[name])[0])
        if name in _COMPUTED:
            return _measured(_COMPUTED[name](self.__getitem__, self.answers))
        return array("d", DERIVED[name](self.__getitem__))


def added_up(numbers: Iterable[int], values: Iterable[int]) -> Mapping[int, int]:
    """Return the sum of the values with each number."""
    sums: defaultdict[int, int] = defaultdict(int)
    for number, value in zip(numbers, values, strict=True):
        sums[number] += value
    return sums


def grouped(
    lines: Iterable[Line], on_other: Callable[[Drop | Transition | Audited | End], object] = lambda _: None
) -> Iterator[tuple[Tags, Rows]]:
    """Group the requests among the lines by their tags. Every other line is passed to `on_other` first."""
    groups: defaultdict[tuple[object, ...], list[Record]] = defaultdict(list)
    for line in lines:
        if isinstance(line, Record):
            groups[_PLACE_AND_OUTCOME(line)].append(line)
        else:
            on_other(line)
    for alike in groups.values():
        for rows in _by_answer(alike):
            yield _tags_of(rows), rows


def _by_answer(alike: list[Record]) -> Iterator[Rows]:
    """Split requests of equal plan and outcome by status, error and kind of their answers: mostly all the same."""
    answers = [record.attempts[-1] if record.attempts else _NO_ANSWER for record in alike]
    traits = list(map(_STATUS_ERROR_KIND, answers))
    if traits.count(traits[0]) == len(traits):
        yield Rows(alike, answers)
        return
    split: defaultdict[object, tuple[list[Record], list[Attempt]]] = defaultdict(lambda: ([], []))
    for trait, record, answer in zip(traits, alike, answers, strict=True):
        records, answered = split[trait]
        records.append(record)
        answered.append(answer)
    yield from (Rows(*pair) for pair in split.values())


def _tags_of(rows: Rows) -> Tags:
    record, answer = rows.records[0], rows.answers[0]
    plan_tags = PlanTags(record.scenario, record.model, record.stage, record.measured, record.target, record.key)
    kind = answer.kind.value if answer.kind else None
    return Tags(plan_tags, record.outcome.value, answer.status, answer.error, kind)


def _measured(values: Sequence[float | None]) -> "array[float]":
    """Return a column of these values; mostly all were measured, which is cheaper to try than to check."""
    try:
        return array("d", values)  # type: ignore[arg-type]
    except TypeError:
        return array("d", [_NOT_MEASURED if value is None else value for value in values])


_OF_REQUEST = MappingProxyType(
    {
        "due": attrgetter("intended_at_s"),
        **{name: attrgetter(own.reading.field) for name, own in METRICS.items() if isinstance(own.reading, OfRequest)},
    }
)
_OF_ANSWER = MappingProxyType(
    {
        "last_token": attrgetter("last_token_s"),
        "output_tokens": attrgetter("output_tokens"),
        **{name: attrgetter(own.reading.field) for name, own in METRICS.items() if isinstance(own.reading, OfAnswer)},
    }
)
_ERRORS = MappingProxyType({name: attrgetter(f"{name}_s") for name in ("ttft_error", "ttfo_error", "last_token_error")})
_COMPUTED = MappingProxyType(
    {name: own.reading.values for name, own in METRICS.items() if isinstance(own.reading, Computed)}
)
DERIVED = MappingProxyType(
    {name: own.reading.values for name, own in METRICS.items() if isinstance(own.reading, Derived)}
)
"""Metrics that are derived from other columns."""

LEAST = MappingProxyType({f"{name}_least": name for name, own in METRICS.items() if own.of_first_token})
"""Columns with the least value that each request can have had; they are stored where any differs from the measured."""

STORED = (*_OF_REQUEST, *_OF_ANSWER, *_COMPUTED)
"""The columns that are read from records."""
