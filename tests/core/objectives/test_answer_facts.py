from typing import Any

import pytest

from relayload.core.model.record import Attempt, GapErrors, Outcome
from relayload.core.objectives.answer_facts import (
    Facts,
    broken_streams,
    coalesced_streams,
    stalls,
    structured_output,
    tool_calls,
)
from relayload.core.objectives.objective import Condition, Op
from relayload.core.stats.histogram import bucket

NOTHING = Facts(0, 0, 0)


def answer(outcome: str = "ok", **fields: Any) -> Attempt:
    return Attempt(Outcome(outcome), **fields)


def stream(*gaps: tuple[float, int], outcome: str = "ok", **fields: Any) -> Attempt:
    """A stream with so many gaps of each length."""
    many, span_s = sum(count for _, count in gaps), sum(gap_s * count for gap_s, count in gaps)
    flat = tuple(number for gap_s, count in gaps for number in (bucket(gap_s), count))
    times = {"ttft_s": 1.0, "last_token_s": 1.0 + span_s, "service_s": 1.0 + span_s}
    return answer(outcome, **({"chunks": many + 1, "chunk_gaps": flat} | times | fields))


def test_calls_count_each() -> None:
    assert tool_calls(answer(tool_calls=3, valid_tool_calls=1)) == Facts(3, 2, 2)
    assert tool_calls(answer()) == NOTHING


@pytest.mark.parametrize(("fits", "facts"), [(True, Facts(1, 0, 0)), (False, Facts(1, 1, 1)), (None, NOTHING)])
def test_what_was_not_checked_does_not_count(fits: bool | None, facts: Facts) -> None:
    assert structured_output(answer(fits_schema=fits)) == facts


@pytest.mark.parametrize(
    ("attempt", "facts"),
    [
        (answer(chunks=3), Facts(1, 0, 0)),
        (answer("broken_stream", chunks=3), Facts(1, 1, 1)),
        (answer("broken_stream"), Facts(1, 1, 1)),  # a stream that ended before its first token
        (answer("timed_out", chunks=3), Facts(1, 1, 1)),
        (answer("rate_limited", chunks=3), Facts(1, 1, 1)),  # by an error within
        (answer("timed_out"), NOTHING),
        (answer("server_error"), NOTHING),
        (answer("cancelled", chunks=3), NOTHING),
        (answer("abandoned", chunks=3), NOTHING),
        (answer(), NOTHING),
    ],
)
def test_a_stream_breaks_once_it_began(attempt: Attempt, facts: Facts) -> None:
    assert broken_streams(attempt) == facts


@pytest.mark.parametrize(
    ("attempt", "bad"),
    [
        (stream((0.005, 59)), 0),
        (stream((0.0, 44), (0.020, 15)), 1),  # four at a time
        (stream((0.0003, 44), (0.020, 15)), 1),  # as the SDK passes them on
        (stream((0.0, 29), (0.010, 30)), 0),
        (stream((0.0, 30), (0.010, 30)), 1),
        (stream((0.0, 30), (0.0005, 29)), 0),  # fast, not merged
        (stream((0.0, 59), buffered=True), 1),
    ],
)
def test_a_stream_is_coalesced_if_half_of_its_chunks_come_with_others(attempt: Attempt, bad: int) -> None:
    assert coalesced_streams(attempt) == Facts(1, bad, bad)


@pytest.mark.parametrize(
    "attempt",
    [stream((0.0, 6), (0.02, 3)), stream((0.0, 44), (0.02, 15), outcome="broken_stream"), answer(), answer(chunks=20)],
)
def test_of_short_and_broken_streams_it_is_unknown(attempt: Attempt) -> None:
    assert coalesced_streams(attempt) == NOTHING


STALL = Condition("chunk_gap", Op.ABOVE, 2.0, "chunk_gap>2s")


@pytest.mark.parametrize(
    ("attempt", "facts"),
    [
        (stream((0.1, 5)), Facts(5, 0, 0)),
        (stream((0.1, 5), (3.0, 2)), Facts(7, 2, 2)),
        # the silence in which a failed stream ended counts, that of others does not
        (stream((0.1, 5), outcome="timed_out", service_s=4.0), Facts(6, 1, 1)),
        (stream((0.1, 5), outcome="timed_out", service_s=2.0), Facts(5, 0, 0)),
        (stream((0.1, 5), service_s=4.0), Facts(5, 0, 0)),
        (stream((0.1, 5), outcome="cancelled", service_s=4.0), Facts(5, 0, 0)),
        # a read that came late makes the gap before it too long
        (stream((0.1, 5), (2.05, 1), gap_errors=GapErrors(0.1, 1)), Facts(6, 1, 0)),
        (answer(), NOTHING),
    ],
)
def test_a_stall_is_a_gap_beyond_the_bound(attempt: Attempt, facts: Facts) -> None:
    assert stalls(STALL)(attempt) == facts
