"""The first turns of one phase by target and arrival, and what each says of a quantity."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from relayload.core.model.record import Attempt, Line, Outcome, Record
from relayload.core.stats.histogram import PRECISION_BITS, middle_s

ByIndex = dict[int, Record]


def by_target(lines: Iterable[Line], *, from_index: int = 0) -> dict[str, ByIndex]:
    """Return the measured requests of each target by the index of their arrival; earlier ones are a warm-up."""
    found: dict[str, ByIndex] = {}
    for line in lines:
        if isinstance(line, Record) and line.measured and not line.turn and line.index >= from_index:
            found.setdefault(line.target or "", {})[line.index] = line
    return found


class Pair(NamedTuple):
    """One arrival at both targets, answered ok by each."""

    direct: Record
    relay: Record


def pairs(direct: ByIndex, relay: ByIndex) -> list[Pair]:
    """Return the arrivals that ended ok at both, in the order of the schedule."""
    both = sorted(direct.keys() & relay.keys())
    return [Pair(direct[index], relay[index]) for index in both if _ok(direct[index]) and _ok(relay[index])]


def _ok(record: Record) -> bool:
    return record.outcome is Outcome.OK and bool(record.attempts)


def latency(record: Record) -> float | None:
    """Return the seconds from the actual start to the last byte: how late we started is no part of it."""
    return record.latency_s - record.late_s


def ttft(record: Record) -> float | None:
    return _answer(record).ttft_s


def mean_gap(record: Record) -> float | None:
    """Return the mean seconds between the chunks of a stream; None below two."""
    answer = _answer(record)
    if answer.chunks < 2 or answer.last_token_s is None or answer.ttft_s is None:
        return None
    return (answer.last_token_s - answer.ttft_s) / (answer.chunks - 1)


def longest_gap(record: Record) -> float | None:
    gaps = _answer(record).chunk_gaps
    return middle_s(max(gaps[::2])) if gaps else None


def received_bytes(record: Record) -> float | None:
    return float(_answer(record).received_bytes)


class Quantity(NamedTuple):
    """What is compared: its unit, the percentiles beside the median of pairs, and how a record says it."""

    unit: str
    percentiles: tuple[float, ...]
    read: Callable[[Record], float | None]
    resolution: float = 0.0
    """The share of a value below which nothing is resolved: gaps are recorded as a histogram."""


_LATENCY_PERCENTILES = (50.0, 95.0, 99.0)
QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "latency": Quantity("s", _LATENCY_PERCENTILES, latency),
        "ttft": Quantity("s", _LATENCY_PERCENTILES, ttft),
        "chunk_gap": Quantity("s", _LATENCY_PERCENTILES, mean_gap),
        "longest_gap": Quantity("s", _LATENCY_PERCENTILES, longest_gap, 1 / (1 << PRECISION_BITS)),
        "received_bytes": Quantity("B", (), received_bytes),
    }
)
"""By name, in the order in which they are told."""


def streamed(record: Record) -> bool:
    return _answer(record).ttft_s is not None


def chunks(record: Record) -> int:
    return _answer(record).chunks


def text_bytes(record: Record) -> int:
    return _answer(record).text_bytes


def output_tokens(record: Record) -> int | None:
    return _answer(record).output_tokens


def gaps_within(record: Record, bound_s: float) -> int:
    """Return how many chunks came no later than that after the one before."""
    gaps = _answer(record).chunk_gaps
    return sum(count for bucket, count in zip(gaps[::2], gaps[1::2], strict=True) if middle_s(bucket) <= bound_s)


def stated_overhead(record: Record) -> float | None:
    return _answer(record).stated_overhead_s


def failure_kind(record: Record) -> str:
    """Return what went wrong, as the client classified it."""
    kind = _answer(record).kind
    return (kind or record.outcome).value


def _answer(record: Record) -> Attempt:
    return record.attempts[-1] if record.attempts else Attempt(outcome=record.outcome)
