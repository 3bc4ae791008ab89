"""The plan of a run: the arrivals, tokens and cost of its schedule, counted before anything is sent."""

import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from relayload.core.price import Price, to_micro_usd
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.batches import Batches
from relayload.core.traffic.stages import Stage
from relayload.core.traffic.timeline import Bins, Timeline

_SECOND_S, _MINUTE_S = 1.0, 60.0
_EPSILON_S = 1e-9
_NO_USD = Decimal("0.000000")

_Quantity = TypeVar("_Quantity", int, Decimal)


class Request(Struct, frozen=True, kw_only=True):
    """What an arrival of a scenario is expected to contain, where a trace does not specify it."""

    scenario: str
    input_tokens: float = 0.0
    max_output_tokens: int | None = None
    """The mean, if budgets differ; None if the answer has no budget, 0 if it has no text."""
    price: Price | None = None
    """The weighted price of its models; None if one has no price, or if the cost of later turns is unknown."""


class Volume(Struct, frozen=True, kw_only=True):
    """The amount that is sent."""

    arrivals: int
    peak_per_second: int | None
    """The most in any sliding second, even one that began in the stage before; None if the relay sets the pace."""
    peak_per_minute: int | None
    input_tokens: int
    """As given in a trace; an estimate for other prompts."""
    output_tokens: int | None
    """As given in a trace; None if the model chooses the length of its answers."""
    max_output_tokens: int | None
    """The most that all answers can have; None if one of them has no budget."""
    usd: Decimal | None = None
    """The cost; None if the length of the answers or a price is unknown."""
    max_usd: Decimal | None = None
    """The cost if every answer uses its whole budget."""


class StagePlan(Struct, frozen=True, kw_only=True):
    """One stage, or all rounds of a repeated one. `for_s` is the length of one round; None if it is not known."""

    name: str
    for_s: float | None
    warmup: bool
    cooldown: bool = False
    times: int = 1
    """The number of rounds."""
    volume: Volume | None = None
    """None in a closed load, where it depends on how fast the relay answers."""
    by_scenario: dict[str, int] | None = None
    """Arrivals of each scenario."""


class Plan(Struct, frozen=True, kw_only=True):
    """What a run will do, as far as it can be known in advance."""

    profile: str
    load_kind: str
    stages: tuple[StagePlan, ...]
    total: Volume | None = None
    by_scenario: dict[str, int] | None = None
    """Arrivals of each scenario."""
    last_at_s: float | None = None
    """When the last arrival is due; None if there is none."""
    held_back: int = 0
    """The number of trace rows that the limits delay."""
    cut: int = 0
    """The number of arrivals lost to the limits: a schedule continues from a delayed arrival, so it has fewer, and the
    last rows of a trace do not fit in."""
    users: int | None = None
    """The users of a closed load."""
    batch_size: int | None = None
    """The batch size of a batch load; the last batch may be smaller."""
    max_concurrent: int | None = None
    """The most concurrent requests of a batch load."""
    beyond_requests: int = 0
    """The number of arrivals beyond `max_requests`."""
    beyond_duration: int = 0
    """The number of arrivals due after `max_duration`."""
    capped_usd: Decimal | None = None
    """`max_usd`, if the answers may cost more, or their cost is unknown."""
    targets: dict[str, float] | None = None
    """The share of the arrivals that goes to each target; None with a single target."""
    paired: bool = False
    """Whether every arrival is a request to each of the targets, and counts as that many."""
    timeline: Timeline | None = None
    """Arrivals over time, including the warm-up; None in a closed load."""


def open_plan(
    profile: str,
    arrivals: Iterable[Arrival],
    stages: Sequence[Stage],
    requests: Sequence[Request],
    unlimited: Iterable[Arrival] | None = None,
    *,
    replay: bool = False,
) -> Plan:
    """Plan an open load by walking its arrivals.

    `requests` are in the order of the scenarios. `unlimited` are the arrivals as they would be without limits; None if
    there are no limits. In a `replay`, limits delay rows and lose only the last ones.
    """
    by_name = {stage.name: _StageCounts(requests) for stage in stages}
    tallies = [by_name[stage.name] for stage in stages]
    restrained = None if unlimited is None else _Restrained(arrivals, unlimited, replay=replay)
    bins = Bins()
    last_at_s = _walk(arrivals if restrained is None else restrained, tallies, bins)
    names = [request.scenario for request in requests]
    counts = [sum(tally.counts[number] for tally in by_name.values()) for number in range(len(requests))]
    return Plan(
        profile=profile,
        load_kind="open",
        stages=tuple(
            replace(
                stage,
                volume=by_name[stage.name].volume(),
                by_scenario=dict(zip(names, by_name[stage.name].counts, strict=True)),
            )
            for stage in planned(stages)
        ),
        total=_sum([tally.volume() for tally in by_name.values()]),
        by_scenario=dict(zip(names, counts, strict=True)),
        timeline=bins.timeline(),
        last_at_s=last_at_s,
        held_back=restrained.held_back if restrained else 0,
        cut=restrained.cut if restrained else 0,
    )


def batch_plan(
    profile: str, batches: Batches, scenarios: Iterable[int], stage: Stage, requests: Sequence[Request]
) -> Plan:
    """Plan a batch load, given the scenarios of its list."""
    tally = _StageCounts(requests)
    for number, count in Counter(scenarios).items():
        tally.counts[number] = count
    volume = replace(tally.volume(), peak_per_second=None, peak_per_minute=None)
    counts = {request.scenario: count for request, count in zip(requests, tally.counts, strict=True)}
    return Plan(
        profile=profile,
        load_kind="batch",
        stages=tuple(replace(each, volume=volume, by_scenario=counts) for each in planned([stage])),
        total=volume,
        by_scenario=counts,
        batch_size=batches.batch_size,
        max_concurrent=batches.max_concurrent,
    )


def planned(stages: Sequence[Stage]) -> tuple[StagePlan, ...]:
    """Return the stages, merging those of the same name."""
    times = Counter(stage.name for stage in stages)
    return tuple(
        StagePlan(
            name=stage.name,
            for_s=stage.for_s if math.isfinite(stage.for_s) else None,
            warmup=stage.warmup,
            cooldown=stage.cooldown,
            times=times[stage.name],
        )
        for stage in {stage.name: stage for stage in stages}.values()
    )


def _walk(arrivals: Iterable[Arrival], tallies: Sequence["_StageCounts"], bins: Bins) -> float | None:
    """Count the arrivals, and return when the last one is due."""
    in_second, in_minute = _window(_SECOND_S), _window(_MINUTE_S)
    last_at_s = None
    for arrival in arrivals:
        last_at_s = arrival.intended_at_s
        bins.add(last_at_s)
        tallies[arrival.stage].add(arrival, in_second(last_at_s), in_minute(last_at_s))
    return last_at_s


class _Restrained:
    """Walks a schedule with limits in parallel with the same one without, and counts the differences."""

    def __init__(self, arrivals: Iterable[Arrival], unlimited: Iterable[Arrival], *, replay: bool) -> None:
        self._arrivals = arrivals
        self._replay = replay
        self._unlimited = iter(unlimited)
        self.held_back = self.cut = 0

    def __iter__(self) -> Iterator[Arrival]:
        for arrival, free in zip(self._arrivals, self._unlimited, strict=False):
            if self._replay and arrival.intended_at_s > free.intended_at_s:
                self.held_back += 1
            yield arrival
        self.cut = sum(1 for _ in self._unlimited)


class _TraceTokens:
    """The tokens of a scenario's arrivals in a stage, as far as a trace gives them."""

    __slots__ = ("answered", "foreign", "input", "max_output", "output", "sized")

    def __init__(self) -> None:
        self.input = self.output = self.max_output = 0
        self.sized = self.answered = False
        """Whether the trace gives input tokens (`sized`) and output tokens (`answered`)."""
        self.foreign = False
        """Whether the trace names its own models."""


class _Sent(NamedTuple):
    """The requests of one scenario in a stage."""

    request: Request
    arrivals: int
    traced: _TraceTokens

    @property
    def input_tokens(self) -> float:
        return self.traced.input if self.traced.sized else self.arrivals * self.request.input_tokens

    @property
    def output_tokens(self) -> int | None:
        if self.traced.answered:
            return self.traced.output
        return 0 if self.request.max_output_tokens == 0 else None

    @property
    def max_output_tokens(self) -> int | None:
        if self.traced.answered:
            return self.traced.max_output
        budget = self.request.max_output_tokens
        return None if budget is None else self.arrivals * budget

    def usd(self, output_tokens: int | None) -> Decimal | None:
        """Return the cost with this many output tokens; None if the tokens or the price are unknown."""
        price = self.request.price
        if price is None or output_tokens is None or self.traced.foreign:
            return None
        return to_micro_usd(price.usd_of(round(self.input_tokens), output_tokens))


class _StageCounts:
    """Counts the arrivals of one stage."""

    __slots__ = ("_peak_per_minute", "_peak_per_second", "_requests", "_traced", "counts")

    def __init__(self, requests: Sequence[Request]) -> None:
        self._requests = requests
        self.counts = [0] * len(requests)
        self._peak_per_second = self._peak_per_minute = 0
        self._traced = [_TraceTokens() for _ in requests]

    def add(self, arrival: Arrival, in_second: int, in_minute: int) -> None:
        self.counts[arrival.scenario] += 1
        if in_second > self._peak_per_second:
            self._peak_per_second = in_second
        if in_minute > self._peak_per_minute:
            self._peak_per_minute = in_minute
        traced = self._traced[arrival.scenario]
        traced.foreign = traced.foreign or arrival.model is not None
        if arrival.input_tokens is not None:
            traced.sized = True
            traced.input += arrival.input_tokens
        if arrival.output_tokens is not None:
            traced.answered = True
            budget = self._requests[arrival.scenario].max_output_tokens
            budget = arrival.output_tokens if budget is None else budget
            traced.output += min(arrival.output_tokens, budget)
            traced.max_output += budget

    def volume(self) -> Volume:
        rows = zip(self._requests, self.counts, self._traced, strict=True)
        sent = [_Sent(request, count, traced) for request, count, traced in rows if count]
        return Volume(
            arrivals=sum(self.counts),
            peak_per_second=self._peak_per_second,
            peak_per_minute=self._peak_per_minute,
            input_tokens=round(sum(each.input_tokens for each in sent)),
            output_tokens=_sum_known((each.output_tokens for each in sent), 0),
            max_output_tokens=_sum_known((each.max_output_tokens for each in sent), 0),
            usd=_sum_known((each.usd(each.output_tokens) for each in sent), _NO_USD),
            max_usd=_sum_known((each.usd(each.max_output_tokens) for each in sent), _NO_USD),
        )


def _sum(volumes: Collection[Volume]) -> Volume:
    return Volume(
        arrivals=sum(volume.arrivals for volume in volumes),
        peak_per_second=max(volume.peak_per_second or 0 for volume in volumes),
        peak_per_minute=max(volume.peak_per_minute or 0 for volume in volumes),
        input_tokens=sum(volume.input_tokens for volume in volumes),
        output_tokens=_sum_known((volume.output_tokens for volume in volumes), 0),
        max_output_tokens=_sum_known((volume.max_output_tokens for volume in volumes), 0),
        usd=_sum_known((volume.usd for volume in volumes), _NO_USD),
        max_usd=_sum_known((volume.max_usd for volume in volumes), _NO_USD),
    )


def _sum_known(amounts: Iterable[_Quantity | None], nothing: _Quantity) -> _Quantity | None:
    """Return the sum, or None if any amount is unknown."""
    total = nothing
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _window(length_s: float) -> Callable[[float], int]:
    """Return a function that takes instants in order and counts those in the sliding window that ends at each."""
    recent: deque[float] = deque()

    def count(at_s: float) -> int:
        recent.append(at_s)
        out_s = at_s - length_s + _EPSILON_S
        while recent[0] <= out_s:
            recent.popleft()
        return len(recent)

    return count
