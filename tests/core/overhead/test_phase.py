import math
import random
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from support import present

from relayload.core.model.record import Outcome, Record
from relayload.core.overhead.findings import Finding, Measure
from relayload.core.overhead.phase import AgainstItself, Found, Names, found
from relayload.core.stats.histogram import bucket

NAMES = Names("direct", "again", ("relay",))
TOKENS = 20
GAP_S = 0.02


@pytest.fixture
def phase(request_line):
    """Draws the records of a phase: the direct way twice, and a relay that adds so much."""

    def lines(
        seed: int, n: int = 400, added_s: float = 0.0, phi: float = 0.5, own_phi: float = 0.0, **relay
    ) -> list[Record]:
        return [
            request_line(index, target=target, late_s=0.0, **{**stream(ttft_s), **(relay if target == "relay" else {})})
            for index, ttfts in enumerate(_correlated(random.Random(seed), n, added_s, phi, own_phi))
            for target, ttft_s in ttfts.items()
        ]

    return lines


def stream(ttft_s: float, chunks: int = TOKENS, gap_s: float = GAP_S, together: int = 0, **more) -> dict:
    """One of 20 tokens; so many of the gaps are none."""
    apart = chunks - 1 - together
    last_s = ttft_s + apart * gap_s
    gaps = (*((0, together) if together else ()), bucket(gap_s), apart)
    return {
        "ttft_s": ttft_s,
        "last_token_s": last_s,
        "latency_s": last_s + 0.001,
        "service_s": last_s + 0.001,
        "chunks": chunks,
        "chunk_gaps": gaps,
        "text_bytes": 100,
        "received_bytes": 4000,
        "output_tokens": TOKENS,
    } | more


def _correlated(rng: random.Random, n: int, added_s: float, phi: float, own_phi: float) -> Iterator[dict[str, float]]:
    """All ways have a state in common, and each has one of its own, which carry over from pair to pair by these."""
    over = {"common": phi, "direct": own_phi, "again": own_phi, "relay": own_phi}
    states = {name: rng.gauss(0, 1) for name in over}
    for _ in range(n):
        states = {name: by * states[name] + math.sqrt(1 - by * by) * rng.gauss(0, 1) for name, by in over.items()}
        common_s = 0.05 * math.exp(0.3 * states["common"])
        added = {"relay": added_s}
        yield {
            name: common_s + 0.001 * math.exp(states[name]) + added.get(name, 0.0)
            for name in ("direct", "again", "relay")
        }


def compared(lines: list[Record]) -> Found:
    return found(lines, NAMES, AgainstItself.of(lines, NAMES), {}, loaded=True)


def measure(seen: Found, name: str) -> Measure:
    (adds,) = seen.relays
    return next(each for each in adds.measures if each.name == name)


def test_a_known_addition_is_found_with_its_interval(phase):
    per_pair, median, p95, _ = measure(compared(phase(1, added_s=0.02)), "ttft").percentiles
    for at in (per_pair, median, p95):
        assert present(at.low) < 0.02 < present(at.high)
        assert at.finding is Finding.MEASURED
    assert present(median.floor) < 0.005
    assert present(per_pair.floor) < 0.0005
    medians = [pytest.approx(each, rel=0.05) for each in (median.direct, median.relay)]
    assert [per_pair.direct, per_pair.relay] == medians


def test_what_a_pair_has_in_common_widens_no_interval_of_its_difference(phase):
    per_pair, median, *_ = measure(compared(phase(1, added_s=0.002, phi=0.95)), "ttft").percentiles
    assert (per_pair.finding, median.finding) == (Finding.MEASURED, Finding.TOO_FEW)
    assert present(per_pair.low) < 0.002 < present(per_pair.high)


def test_a_relay_that_adds_nothing_is_not_measurable(phase):
    median = measure(compared(phase(3)), "ttft").percentiles[0]
    assert median.finding is Finding.NOT_MEASURABLE
    assert abs(median.added) <= present(median.floor)


def test_too_few_pairs_tell_nothing_and_how_many_it_takes(phase):
    for at in measure(compared(phase(1, n=30, added_s=0.02)), "latency").percentiles:
        assert (at.low, at.floor, at.finding) == (None, None, Finding.TOO_FEW)
        assert present(at.pairs_needed) > 30


@pytest.mark.parametrize("runs", [8, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_nothing_added_is_seldom_called_measured_and_2_ms_are_within_their_interval(phase, runs: int, phi: float):
    accused = held = told = 0
    for seed in range(runs):
        nothing = measure(compared(phase(seed, n=200, phi=phi, own_phi=phi)), "ttft").percentiles
        accused += any(at.finding is Finding.MEASURED for at in nothing)
        for at in measure(compared(phase(seed, n=200, added_s=0.002, phi=phi, own_phi=phi)), "ttft").percentiles[:2]:
            if at.low is not None:
                told += 1
                held += at.low <= 0.002 <= present(at.high)
    assert accused <= 0.06 * runs + 2
    assert told < 20 or held >= told * 0.93 - 2.3 * math.sqrt(told * 0.93 * 0.07)


def test_how_late_we_started_is_no_part_of_what_is_added(request_line):
    lines = [
        request_line(index, target=target, late_s=late_s, **{**stream(0.1), "latency_s": 0.5 + late_s})
        for index in range(100)
        for target, late_s in (("direct", 0.0), ("again", 0.0), ("relay", 0.05))
    ]
    assert measure(compared(lines), "latency").percentiles[0].added == pytest.approx(0.0)


def test_chunks_that_come_in_one_piece_are_coalesced(phase):
    seen = present(compared(phase(1, n=100, **stream(0.1, together=10))).relays[0].chunks)
    assert (seen.direct, seen.relay, seen.together_direct, seen.together_relay) == (2000, 2000, 0, 1000)
    assert (seen.coalesced_streams, seen.lost_streams, seen.merged) == (100, 0, 0)
    assert seen.coalesced_low > 0.9


def test_chunks_of_the_same_text_that_are_fewer_are_merged(phase):
    seen = present(compared(phase(1, n=100, **stream(0.1, chunks=5))).relays[0].chunks)
    assert (seen.merged, seen.coalesced_streams, seen.lost_streams) == (1500, 100, 0)


def test_a_shorter_text_has_lost_chunks(phase):
    seen = present(compared(phase(1, n=100, **stream(0.1, chunks=18, text_bytes=90))).relays[0].chunks)
    assert (seen.lost_streams, seen.lost_bytes, seen.merged, seen.missing) == (100, 1000, 0, 200)
    assert seen.coalesced_streams == 0
    assert present(seen.lost_low) > 0.9


def test_where_answers_differ_by_themselves_nothing_counts_as_lost(phase):
    lines = [_of_other_length(line) if line.target == "again" else line for line in phase(1, n=100)]
    seen = present(compared(lines).relays[0].chunks)
    assert (seen.lost_streams, seen.lost_bytes, seen.merged, seen.missing) == (None, None, None, 0)


def _of_other_length(line: Record) -> Record:
    return replace(line, attempts=tuple(replace(attempt, text_bytes=50 + line.index) for attempt in line.attempts))


def test_streams_are_sustained_if_they_end_ok_and_never_stall(phase):
    lines = phase(1, n=100)
    stalled = phase(1, n=100, **stream(0.1, gap_s=0.6))
    ways = {way.target: way for way in compared(lines).ways}
    assert present(ways["relay"].streams).sustained == 100
    slow = {way.target: way for way in compared(stalled).ways}["relay"]
    assert (present(slow.streams).sustained, present(slow.streams).stalled) == (0, 100)


def test_failures_are_told_by_kind_and_leave_no_pair(phase):
    seen = compared(phase(1, n=60, outcome=Outcome.RATE_LIMITED, chunks=0))
    assert {way.target: way.errors for way in seen.ways} == {"direct": {}, "relay": {"rate_limited": 60}}
    assert seen.relays[0].pairs == 0
    assert seen.relays[0].measures == ()


def test_what_a_relay_states_is_told_beside(phase):
    ways = {way.target: way for way in compared(phase(1, n=60, stated_overhead_s=0.003)).ways}
    assert ways["direct"].stated is None
    assert (present(ways["relay"].stated).answers, present(ways["relay"].stated).p50_s) == (60, 0.003)
