"""What single answers say on shares and counts: calls and structured output that are valid, and streams that are whole.

Each function takes the answering attempt of a request.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from relayload.core.model.record import Attempt, Outcome
from relayload.core.objectives.gap_bounds import gaps_longer
from relayload.core.objectives.objective import Condition, Op
from relayload.core.stats.histogram import middle_s

FEWEST_CHUNKS = 11
"""Streams of fewer chunks are too short to tell whether they came in lumps."""
MERGED_S = 1e-3
"""Chunks that come less than this apart came together."""
PACED_S = 2e-3
"""Chunks that come less than this apart on average are fast, not merged."""
_MERGED_SHARE = 0.5


class Facts(NamedTuple):
    """What of an answer counts, and how much of that is bad, by the worse bounds and by the better ones."""

    n: int
    bad_at_most: int
    bad_at_least: int


_NOTHING = Facts(0, 0, 0)
Fact = Callable[[Attempt], Facts]


def _of(n: int, bad: int) -> Facts:
    return Facts(n, bad, bad)


def tool_calls(answer: Attempt) -> Facts:
    """Return the calls of an ok answer, and those whose arguments do not parse."""
    return _of(answer.tool_calls, answer.tool_calls - answer.valid_tool_calls)


def structured_output(answer: Attempt) -> Facts:
    """Return whether an answer was checked against its schema, and does not fit."""
    return _NOTHING if answer.fits_schema is None else _of(1, not answer.fits_schema)


def broken_streams(answer: Attempt) -> Facts:
    """Return whether it is a stream that began, and whether it broke; what the end of the run cut off is neither."""
    outcome = answer.outcome
    began = answer.chunks > 0 or outcome is Outcome.BROKEN_STREAM
    ended = outcome is not Outcome.ABANDONED and outcome is not Outcome.CANCELLED
    return _of(1, outcome is not Outcome.OK) if began and ended else _NOTHING


def coalesced_streams(answer: Attempt) -> Facts:
    """Return whether it is an ok stream that is long enough to tell, and whether its chunks came in lumps.

    They did if at least half of its gaps are below MERGED_S, although its chunks come PACED_S or more apart on average;
    or if all of them came at its end.
    """
    gaps, first_s, last_s = answer.chunk_gaps, answer.ttft_s, answer.last_token_s
    if answer.outcome is not Outcome.OK or answer.chunks < FEWEST_CHUNKS or first_s is None or last_s is None:
        return _NOTHING
    many = answer.chunks - 1
    merged = sum(count for bucket, count in zip(gaps[::2], gaps[1::2], strict=False) if middle_s(bucket) < MERGED_S)
    paced = last_s - first_s >= PACED_S * many
    return _of(1, answer.buffered or (paced and merged >= _MERGED_SHARE * many))


def stalls(condition: Condition) -> Fact:
    """Return a function that counts the gaps beyond a bound, with the silence that a failed stream ended in."""
    beyond = condition.limit.__lt__ if condition.op is Op.ABOVE else condition.limit.__le__

    def count(answer: Attempt) -> Facts:
        gaps = answer.chunk_gaps
        if not answer.chunks or len(gaps) % 2:
            return _NOTHING
        long = sum(count for bucket, count in zip(gaps[::2], gaps[1::2], strict=True) if beyond(middle_s(bucket)))
        fewer, more = (0, 0) if answer.gap_errors is None else gaps_longer(condition.limit, gaps, answer.gap_errors)
        last = int(_ends_in_silence(answer, beyond))
        return Facts(sum(gaps[1::2]) + last, long + more + last, max(0, long - fewer) + last)

    return count


def _ends_in_silence(answer: Attempt, beyond: Callable[[float], bool]) -> bool:
    ended_s, last_s = answer.service_s, answer.last_token_s
    if ended_s is None or last_s is None or answer.outcome in _NO_SILENCE:
        return False
    return beyond(ended_s - last_s)


_NO_SILENCE = frozenset((Outcome.OK, Outcome.CANCELLED, Outcome.ABANDONED))
"""Outcomes whose relay may have had nothing left to say, or was not given the time."""


FACTS: Mapping[str, Fact] = MappingProxyType(
    {
        "tool_calls.valid": tool_calls,
        "structured_output.valid": structured_output,
        "stream.broken": broken_streams,
        "stream.coalesced": coalesced_streams,
    }
)
"""The facts of each metric; those of `stall` depend on the condition."""
