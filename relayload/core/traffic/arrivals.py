"""The schedule of request starts, a pure function of the profile and its seed.

Every process walks the same schedule and starts the arrivals that it was granted, so any number of workers together
send exactly what one would have sent.

An open load is a unit-rate process scaled to the stages. With Λ(t) the number of arrivals expected until t,
the arrivals are Λ⁻¹(g₁), Λ⁻¹(g₁+g₂), ... where the gaps g are those of the process. This keeps ramps and bursts exact
(Çınlar, Introduction to Stochastic Processes, 1975, ch. 4.7).

Limits delay an arrival until its window has room, and the schedule continues from there: arrivals lost to a limit are
not made up for later. Rows of a trace keep their own times and queue instead, because each row must be sent.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, count, repeat
from math import inf
from random import Random
from typing import NamedTuple, Protocol

from msgspec import Struct

from relayload.core.traffic.draws import uniform
from relayload.core.traffic.limits import Gate, Limits
from relayload.core.traffic.process import Process
from relayload.core.traffic.rate_changes import RateChange, changed
from relayload.core.traffic.stages import EPSILON, RateSegment, ScheduleCursor, Stage, rate_segments


class Arrival(Struct, frozen=True, gc=False):
    """One scheduled start. `stage` and `scenario` are positions; optional fields come from a trace."""

    index: int
    intended_at_s: float
    stage: int
    scenario: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    session: str | None = None
    """Identifies the conversation that the request belongs to."""
    blocks: tuple[int, ...] = ()
    """Blocks of 512 tokens each; equal numbers stand for the same text."""
    target: int = 0
    """The position of the target, if each arrival goes to every target."""
    slack_s: float = inf
    """How many seconds late it may start without breaking a limit."""


class Row(Protocol):
    """A row of a trace: when it is due, and what the trace records of its request and answer."""

    @property
    def at_s(self) -> float: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def scenario(self) -> int | None: ...
    @property
    def session(self) -> str | None: ...
    @property
    def blocks(self) -> tuple[int, ...]: ...


class Share(NamedTuple):
    """The even share of one of several workers."""

    number: int
    of: int

    def part_of(self, total: int) -> int:
        """Return this worker's part of a total. Parts differ by at most 1 and add up to the total."""
        part, rest = divmod(total, self.of)
        return part + (self.number < rest)


def schedule(
    stages: Sequence[Stage],
    limits: Limits | None,
    process: Process,
    weights: Sequence[float],
    seed: int,
    changes: Sequence[RateChange] = (),
) -> Iterator[Arrival]:
    """Yield the arrivals of an open load in order of time."""
    bursts = process.bursts
    ahead = rate_segments(stages, bursts.windows(seed), bursts.factor) if bursts else rate_segments(stages)
    if changes:
        ahead = changed(ahead, changes)
    scenarios = drawn_scenarios(weights, seed)
    gaps = process.gaps(seed)
    if limits is None:
        return _free(ahead, gaps, scenarios)
    return _limited(ahead, gaps, scenarios, Gate(limits, [change.at_s for change in changes]))


def trace_schedule(
    rows: Iterable[Row], stages: Sequence[Stage], limits: Limits | None, weights: Sequence[float], seed: int
) -> Iterator[Arrival]:
    """Yield the arrivals of a recorded trace: every row at its own time, until the stages end.

    A row that does not name its scenario gets a drawn one, the same for all rows of a session.
    """
    shares = list(accumulate(map(float, weights)))
    ends_at_s = list(accumulate(stage.for_s for stage in stages))
    gate = Gate(limits)
    for index, row, drawn in zip(count(), rows, drawn_scenarios(weights, seed), strict=False):
        at_s = gate.opens_at_s(row.at_s)
        if at_s >= ends_at_s[-1]:
            return
        gate.admit(at_s)
        stage = min(bisect_right(ends_at_s, at_s + EPSILON), len(stages) - 1)
        scenario = drawn if row.scenario is None else row.scenario
        if row.session is None and row.model is None and not row.blocks:
            yield Arrival(index, at_s, stage, scenario, row.input_tokens, row.output_tokens)
            continue
        if row.session and row.scenario is None and len(weights) > 1:
            scenario = bisect_right(shares[:-1], uniform(seed, 0, f"scenario:{row.session}") * shares[-1])
        yield Arrival(
            index, at_s, stage, scenario, row.input_tokens, row.output_tokens, row.model, row.session, row.blocks
        )


def _free(ahead: Iterator[RateSegment], gaps: Iterator[float], scenarios: Iterator[int]) -> Iterator[Arrival]:
    """Yield arrivals without limits. As every process walks every arrival, work is done once per segment."""
    numbered = zip(count(), accumulate(gaps), scenarios, strict=False)
    index, expected, scenario = next(numbered)
    for here in ahead:
        enough = here.expected_by_end - EPSILON
        stage, starts_at_s, before, rate_per_s = here.stage, here.starts_at_s, here.expected_before, here.rate_per_s
        ramp = here if here.slope_per_s2 else None
        while expected < enough:
            if ramp:
                at_s = ramp.at_s(expected)
            else:
                at_s = starts_at_s + (expected - before) / rate_per_s if expected > before else starts_at_s
            yield Arrival(index, at_s, stage, scenario)
            index, expected, scenario = next(numbered)


def _limited(
    ahead: Iterator[RateSegment], gaps: Iterator[float], scenarios: Iterator[int], gate: Gate
) -> Iterator[Arrival]:
    """Yield arrivals delayed by limits."""
    cursor = ScheduleCursor(ahead)
    expected = next(gaps)
    for index, scenario, gap in zip(count(), scenarios, gaps, strict=False):
        due_at_s = cursor.at_s(expected)
        at_s = None if due_at_s is None else cursor.open_from(gate.opens_at_s(due_at_s))
        if due_at_s is None or at_s is None or cursor.here is None:
            return
        gate.admit(at_s)
        yield Arrival(index, at_s, cursor.here.stage, scenario)
        if at_s > due_at_s:
            expected = cursor.here.expected_until(at_s)
        expected += gap


def drawn_scenarios(weights: Sequence[float], seed: int) -> Iterator[int]:
    """Yield scenario positions drawn in proportion to the weights, from a separate random stream."""
    if len(weights) == 1:
        return repeat(0)
    *edges, total = accumulate(map(float, weights))
    places = map(total.__mul__, iter(Random(f"{seed}:scenarios").random, None))
    return map(partial(bisect_right, edges), places)
