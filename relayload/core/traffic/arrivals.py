"""When requests start: the absolute schedule, a pure function of the profile and its seed.

Every process walks the same schedule and starts the arrivals that are its own, so any number of workers
together send exactly what one would have sent.

An open load is a unit-rate process stretched over the stages. With Λ(t) the number of arrivals expected until t,
the arrivals are Λ⁻¹(g₁), Λ⁻¹(g₁+g₂), ... where the gaps g are those of the process. This keeps ramps and bursts exact
(Çınlar, Introduction to Stochastic Processes, 1975, ch. 4.7).

Limits hold an arrival back until its window has room, and the schedule goes on from there: what a limit refuses
is not made up for later. Rows of a trace keep their own times and queue instead, since each row is to be sent.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, count, repeat
from random import Random
from typing import NamedTuple, Protocol

from msgspec import Struct

from relayload.core.traffic.draws import uniform
from relayload.core.traffic.limits import Gate, Limits
from relayload.core.traffic.process import Process
from relayload.core.traffic.stages import EPSILON, RateSegment, ScheduleCursor, Stage, rate_segments


class Arrival(Struct, frozen=True, gc=False):
    """One scheduled start. `stage` and `scenario` are positions; the rest is given by a trace."""

    index: int
    intended_at_s: float
    stage: int
    scenario: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    session: str | None = None
    """What the requests of one conversation have in common."""
    blocks: tuple[int, ...] = ()
    """Of 512 tokens each: equal numbers stand for the same text."""
    target: int = 0
    """Position, where each arrival goes to every target."""


class Row(Protocol):
    """A row of a trace: when it is due, and as much as the trace says of what was asked and answered."""

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
    """The part of the schedule that is one worker's own: every `of`-th arrival, from `number` on."""

    number: int
    of: int

    def owns(self, index: int) -> bool:
        return index % self.of == self.number

    def part_of(self, total: int) -> int:
        """Its part of a number, as even as whole numbers can be: those of all shares add up to the total."""
        part, rest = divmod(total, self.of)
        return part + (self.number < rest)


def schedule(
    stages: Sequence[Stage], limits: Limits | None, process: Process, weights: Sequence[float], seed: int
) -> Iterator[Arrival]:
    """The arrivals of an open load, in order of time."""
    bursts = process.bursts
    ahead = rate_segments(stages, bursts.windows(seed), bursts.factor) if bursts else rate_segments(stages)
    scenarios = drawn_scenarios(weights, seed)
    gaps = process.gaps(seed)
    return _held(ahead, gaps, scenarios, Gate(limits)) if limits else _free(ahead, gaps, scenarios)


def trace_schedule(
    rows: Iterable[Row], stages: Sequence[Stage], limits: Limits | None, weights: Sequence[float], seed: int
) -> Iterator[Arrival]:
    """The arrivals of a recorded trace: every row at its own time, until the stages end.

    A row that does not name its scenario has a drawn one; those of a session have the same.
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
    """Without limits. Every process walks every arrival, so what a segment can do once is not done for each."""
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


def _held(
    ahead: Iterator[RateSegment], gaps: Iterator[float], scenarios: Iterator[int], gate: Gate
) -> Iterator[Arrival]:
    """Held back by limits."""
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
    """Positions in proportion to the weights, from a stream of their own."""
    if len(weights) == 1:
        return repeat(0)
    *edges, total = accumulate(map(float, weights))
    places = map(total.__mul__, iter(Random(f"{seed}:scenarios").random, None))
    return map(partial(bisect_right, edges), places)
