"""What became of streams on their way: chunks that came together, merged or not at all, and streams that stalled."""

from collections.abc import Collection, Sequence
from heapq import merge
from statistics import median

from relayload.core.model.record import Outcome, Record
from relayload.core.overhead.exchanges import (
    Pair,
    chunks,
    gaps_within,
    longest_gap,
    mean_gap,
    output_tokens,
    streamed,
    text_bytes,
)
from relayload.core.overhead.findings import Chunks, Streams
from relayload.core.stats.binomial import share_bounds

_SAME_SHARE = 0.99
_COALESCED_SHARE = 0.1
_MOST_TOGETHER_S = 0.001
_TOGETHER_SHARE = 0.1
"""Chunks are together if one follows the other within a tenth of the usual gap, and a millisecond at most."""
_STALL_FACTOR = 10
_LEAST_STALL_S = 0.05
_ONE_SIDED = 0.975


def usual_gap_s(records: Collection[Record]) -> float | None:
    """Return the median of the mean gaps of streams; None where there is none."""
    gaps = [gap for gap in map(mean_gap, records) if gap is not None]
    return median(gaps) if gaps else None


def same_answers(pairs: Sequence[Pair]) -> bool | None:
    """Return whether the same prompts were answered with texts of the same length; None without streams."""
    streams = [pair for pair in pairs if streamed(pair.direct) and streamed(pair.relay)]
    if not streams:
        return None
    same = sum(text_bytes(pair.direct) == text_bytes(pair.relay) for pair in streams)
    return same >= _SAME_SHARE * len(streams)


def chunks_of(pairs: Sequence[Pair], *, same: bool | None) -> Chunks | None:
    """Compare the chunks of streams; None without streams. `same`: answers do not differ by themselves."""
    streams = [pair for pair in pairs if streamed(pair.direct) and streamed(pair.relay)]
    if not streams:
        return None
    usual_s = usual_gap_s([pair.direct for pair in streams]) or 0.0
    bound_s = min(_MOST_TOGETHER_S, _TOGETHER_SHARE * usual_s)
    coalesced = sum(_coalesced(pair, bound_s, same=same) for pair in streams)
    low, high = _bounds(coalesced, len(streams))
    lost = [text_bytes(pair.direct) - text_bytes(pair.relay) for pair in streams] if same else None
    losing = None if lost is None else sum(count > 0 for count in lost)
    lost_low, lost_high = (None, None) if losing is None else _bounds(losing, len(streams))
    return Chunks(
        pairs=len(streams),
        direct=sum(chunks(pair.direct) for pair in streams),
        relay=sum(chunks(pair.relay) for pair in streams),
        together_direct=sum(gaps_within(pair.direct, bound_s) for pair in streams),
        together_relay=sum(gaps_within(pair.relay, bound_s) for pair in streams),
        missing=sum(map(_missing, streams)),
        merged=sum(_missing(pair) for pair in streams if text_bytes(pair.direct) == text_bytes(pair.relay))
        if same
        else None,
        coalesced_streams=coalesced,
        coalesced_low=low,
        coalesced_high=high,
        lost_streams=losing,
        lost_low=lost_low,
        lost_high=lost_high,
        lost_bytes=None if lost is None else sum(max(0, count) for count in lost),
    )


def streams_of(records: Sequence[Record], offered: int, usual_s: float | None, *, whole: Collection[int]) -> Streams:
    """Return how many streams were sustained, given how many were offered and the usual gap of the direct way.

    `whole` has the indices of arrivals of whose text nothing is known to be lost.
    """
    bound_s = max(_LEAST_STALL_S, _STALL_FACTOR * (usual_s or 0.0))
    ok = [record for record in records if record.outcome is Outcome.OK]
    stalled = sum((longest_gap(record) or 0.0) > bound_s for record in ok)
    steady = sum((longest_gap(record) or 0.0) <= bound_s and record.index in whole for record in ok)
    low, high = _bounds(steady, offered)
    return Streams(
        offered=offered,
        sustained=steady,
        low=low,
        high=high,
        failed=offered - len(ok),
        stalled=stalled,
        at_once=at_once(records),
        gap_bound_s=bound_s,
    )


def losing_indices(pairs: Sequence[Pair], *, same: bool | None) -> set[int]:
    """Return the arrivals whose text was shorter through the relay; none where answers differ by themselves."""
    return {pair.relay.index for pair in pairs if same and text_bytes(pair.relay) < text_bytes(pair.direct)}


def at_once(records: Sequence[Record]) -> int:
    """Return the most requests that were in flight at one instant."""
    starts = sorted((record.intended_at_s + record.late_s, 1) for record in records)
    ends = sorted((record.intended_at_s + record.latency_s, -1) for record in records)
    most = now = 0
    for _, change in merge(starts, ends):
        now += change
        most = max(most, now)
    return most


def _coalesced(pair: Pair, bound_s: float, *, same: bool | None) -> bool:
    """Return whether a tenth of the chunks that came apart directly did not through the relay, with no text lost."""
    apart = chunks(pair.direct) - gaps_within(pair.direct, bound_s)
    came_apart = chunks(pair.relay) - gaps_within(pair.relay, bound_s)
    lost = same and text_bytes(pair.relay) < text_bytes(pair.direct)
    return not lost and apart - came_apart >= max(1.0, _COALESCED_SHARE * apart)


def _missing(pair: Pair) -> int:
    as_long = output_tokens(pair.direct) == output_tokens(pair.relay)
    return max(0, chunks(pair.direct) - chunks(pair.relay)) if as_long else 0


def _bounds(count: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of independent streams."""
    if not n:
        return 0.0, 1.0
    low, high = share_bounds(count, n, _ONE_SIDED)
    return (0.0 if not count else low), (1.0 if count == n else high)
