"""The schedule of a profile, and the plan of it that people read beforehand."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from statistics import fmean

from msgspec.structs import replace

from relayload.core.price import Price, Prices, blended
from relayload.core.traffic import arrivals as traffic
from relayload.core.traffic import plan as planning
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.batches import Batches
from relayload.core.traffic.draws import Mix, uniform
from relayload.core.traffic.limits import Limits
from relayload.core.traffic.pairing import for_each_target, order
from relayload.core.traffic.plan import Plan, Request
from relayload.core.traffic.rate_changes import RateChange
from relayload.core.traffic.slack import with_slack
from relayload.core.traffic.stages import Stage
from relayload.core.wire.request import Endpoint
from relayload.profile import trace as traces
from relayload.profile.amounts import distribution
from relayload.profile.arrivals import process
from relayload.profile.asked_questions import known_questions
from relayload.profile.expected import expected_input_tokens
from relayload.profile.guardrails import Guardrails
from relayload.profile.loads import BatchLoad, ClosedLoad, OpenLoad
from relayload.profile.model import Profile
from relayload.profile.scenario import Scenario
from relayload.profile.stages import BATCH_STAGE, TRACE_STAGE, plain
from relayload.profile.trace import Trace

ROWS_READ_BEFORE = 100_000
"""How many rows of a trace are read before a run, which takes about 0.2 s."""


def stages(profile: Profile) -> tuple[Stage, ...]:
    """Return the stages of any load. A batch, and a replay without stages, have a single one without end."""
    load = profile.load
    if isinstance(load, ClosedLoad):
        return tuple(
            Stage(stage.name, stage.for_s, warmup=stage.warmup, cooldown=stage.cooldown) for stage in load.stages
        )
    if isinstance(load, BatchLoad):
        return (Stage(BATCH_STAGE, math.inf),)
    if not load.stages:
        return (Stage(TRACE_STAGE, math.inf),)
    return plain(load.stages)


def arrivals(profile: Profile, changes: Sequence[RateChange] = ()) -> Iterator[Arrival]:
    """Yield the arrivals of an open load in order of time, until `max_duration`; other loads have none.

    `changes` of the rate, in order of time, have no effect on a replay.
    Raises AuthorError on reaching a row of a trace that can't be read.
    """
    load = profile.load
    if not isinstance(load, OpenLoad):
        return iter(())
    until_s = profile.guardrails.until_s
    schedule = _arrivals(profile, load, _limits(load), changes)
    return takewhile(lambda arrival: arrival.intended_at_s < until_s, schedule)


def to_send(profile: Profile, schedule: Iterator[Arrival]) -> Iterator[Arrival]:
    """Yield the arrivals of the profile's schedule, or the rest of them, each with how late it may start.

    Raises as `arrivals` does.
    """
    limits = _limits(profile.load) if isinstance(profile.load, OpenLoad) else None
    return with_slack(schedule, limits) if limits else schedule


def read_ahead(profile: Profile) -> int:
    """Return how many arrivals `to_send` reads before it yields one."""
    limits = _limits(profile.load) if isinstance(profile.load, OpenLoad) else None
    return max((most for _, most in limits.windows), default=0) if limits else 0


def fixed_rate(profile: Profile) -> str | None:
    """Return why the rate of the load can't be changed or multiplied; None if it can."""
    load = profile.load
    if isinstance(load, ClosedLoad):
        return "the users of a closed load set its rate: change their number"
    if isinstance(load, BatchLoad):
        return "a batch has no rate: it sends as fast as max_concurrent lets it"
    return "the rows of a trace have their own instants" if isinstance(load.arrivals, Trace) else None


def batches(profile: Profile, load: BatchLoad) -> Batches:
    """Return the list of a batch load, to be split among workers. The copies for several targets follow each other."""
    copies, batch_size = _copies(profile), min(load.requests, load.batch_size or load.requests)
    return Batches(load.requests * copies, batch_size * copies, load.max_concurrent)


def batch_scenarios(profile: Profile, load: BatchLoad) -> list[int]:
    """Return the positions of the scenarios of the list, in which copies count as one."""
    return list(islice(traffic.drawn_scenarios(_weights(profile), profile.seed), load.requests))


def batch_arrivals(profile: Profile, load: BatchLoad) -> Callable[[int, float], Arrival]:
    """Return what makes an arrival of a place in the list, and of the instant at which it is due."""
    scenarios, copies, seed = batch_scenarios(profile, load), _copies(profile), profile.order_seed

    def arrival(place: int, due_at_s: float) -> Arrival:
        index, copy = divmod(place, copies)
        target = order(index, copies, seed)[copy] if copies > 1 else 0
        return Arrival(index, due_at_s, 0, scenarios[index], target=target)

    return arrival


def asked_by(profile: Profile) -> Callable[[int, int], int]:
    """Return what says which scenario an arrival of a closed load takes by its index, and by that of its user.

    The users are those of the profile's own scenarios: of their turns, the audit takes its share.
    """
    names, added = list(profile.scenarios), profile.audit_scenarios
    if not added:
        return lambda _index, scenario: scenario
    mix, share, seed = Mix({name: each.weight for name, each in added.items()}), profile.audit.share, profile.seed

    def position(index: int, scenario: int) -> int:
        if uniform(seed, index, "audit_share") >= share:
            return scenario
        return names.index(mix.draw(seed, index, "audit_scenario"))

    return position


def is_cut_short(profile: Profile) -> bool:
    """Return whether `max_duration` cuts off some of an open or closed load."""
    until_s = profile.guardrails.until_s
    total_s = sum(stage.for_s for stage in stages(profile))
    if math.isfinite(total_s) or math.isinf(until_s):
        return total_s > until_s
    assert isinstance(profile.load, OpenLoad)
    everything = _arrivals(profile, profile.load, _limits(profile.load))
    return any(arrival.intended_at_s >= until_s for arrival in everything)


def check_rows(profile: Profile) -> None:
    """Read rows of a trace in advance, so that none stops the run halfway. Raises AuthorError.

    It reads no more than takes a moment. A fault farther down is reported when the run gets there.
    """
    if isinstance(profile.load, OpenLoad) and isinstance(profile.load.arrivals, Trace):
        until_s = sum(stage.for_s for stage in stages(profile))
        traces.check(profile.load.arrivals, tuple(profile.scenarios), ROWS_READ_BEFORE, until_s)


def plan(profile: Profile, each: Sequence[Callable[[Arrival], None]] = ()) -> Plan:
    """Return what a run of the profile will do, by walking its schedule. Raises AuthorError at a bad row of a trace.

    Each arrival of an open load is handed to `each` of these functions.
    """
    planned = _plan(profile, each)
    if not profile.several:
        return planned
    return replace(planned, targets=profile.target_shares, paired=profile.paired)


def _plan(profile: Profile, each: Sequence[Callable[[Arrival], None]]) -> Plan:
    load = profile.load
    if isinstance(load, ClosedLoad):
        planned = planning.planned(stages(profile))
        return Plan(profile=profile.name, load_kind=load.kind, stages=planned, users=load.users)
    prices = {name: target.known_prices for name, target in profile.named_targets.items()}
    requests = [_request(name, profile, scenario, prices) for name, scenario in profile.scenarios.items()]
    if isinstance(load, BatchLoad):
        (stage,) = stages(profile)
        scenarios = batch_scenarios(profile, load) * _copies(profile)
        whole = planning.batch_plan(profile.name, batches(profile, load), scenarios, stage, requests)
        return _guarded(whole, profile.guardrails)
    limits = _limits(load)
    counted = _Counted(_arrivals(profile, load, limits), profile.guardrails.until_s, each)
    whole = planning.open_plan(
        profile.name,
        counted,
        stages(profile),
        requests,
        unlimited=_arrivals(profile, load, None) if limits else None,
        replay=isinstance(load.arrivals, Trace),
    )
    return _guarded(whole, profile.guardrails, counted.late)


class _Counted:
    """Iterates over arrivals, hands them on, and counts those that come at or after an instant."""

    def __init__(
        self, schedule: Iterator[Arrival], until_s: float, each: Sequence[Callable[[Arrival], None]] = ()
    ) -> None:
        self._schedule = schedule
        self._until_s = until_s
        self._each = each
        self.late = 0

    def __iter__(self) -> Iterator[Arrival]:
        for arrival in self._schedule:
            self.late += arrival.intended_at_s >= self._until_s
            for take in self._each:
                take(arrival)
            yield arrival


def _guarded(planned: Plan, guardrails: Guardrails, late: int = 0) -> Plan:
    """Return the plan with what the guardrails leave out of it."""
    assert planned.total is not None, "of an open load or a batch"
    in_time = planned.total.arrivals - late
    most_usd, capped_usd = planned.total.max_usd, guardrails.max_usd
    within = capped_usd is None or (most_usd is not None and most_usd <= capped_usd)
    return replace(
        planned,
        beyond_requests=max(0, in_time - (guardrails.max_requests or in_time)),
        beyond_duration=late,
        capped_usd=None if within else capped_usd,
    )


def _arrivals(
    profile: Profile, load: OpenLoad, limits: Limits | None, changes: Sequence[RateChange] = ()
) -> Iterator[Arrival]:
    weights = _weights(profile)
    if isinstance(load.arrivals, Trace):
        rows = traces.rows(load.arrivals, profile.seed, tuple(profile.scenarios))
        schedule = traffic.trace_schedule(rows, stages(profile), limits, weights, profile.seed)
    else:
        schedule = traffic.schedule(stages(profile), limits, process(load.arrivals), weights, profile.seed, changes)
    return for_each_target(schedule, _copies(profile), profile.order_seed) if profile.paired else schedule


def _copies(profile: Profile) -> int:
    """Return the number of requests per arrival."""
    return len(profile.named_targets) if profile.paired else 1


def _weights(profile: Profile) -> list[float]:
    return [scenario.weight for scenario in profile.scenarios.values()]


def _limits(load: OpenLoad) -> Limits | None:
    return None if load.limits is None else Limits(load.limits.per_second, load.limits.per_minute)


def _request(name: str, profile: Profile, scenario: Scenario, prices: Mapping[str, Prices]) -> Request:
    return Request(
        scenario=name,
        input_tokens=expected_input_tokens(scenario),
        max_output_tokens=_expected_budget(scenario),
        price=None if scenario.conversation else _price(profile, scenario, prices),
    )


def _price(profile: Profile, scenario: Scenario, prices: Mapping[str, Prices]) -> Price | None:
    """Return the mean price over all targets, by their shares; None if one has no price."""
    by_target = {name: blended(known, scenario.models) for name, known in prices.items()}
    known = {name: price for name, price in by_target.items() if price is not None}
    return blended(known, profile.target_shares)


def _expected_budget(scenario: Scenario) -> int | None:
    if scenario.endpoint is Endpoint.EMBEDDINGS:
        return 0
    if scenario.question_kinds:
        return round(fmean(known_questions(scenario).budgets))
    budget = scenario.max_output_tokens
    return None if budget is None else round(distribution(budget).mean)
