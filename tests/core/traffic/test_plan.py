import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from relayload.core.price import Price
from relayload.core.traffic.arrivals import Arrival, schedule, trace_schedule
from relayload.core.traffic.limits import Limits
from relayload.core.traffic.plan import Plan, Request, open_plan, planned
from relayload.core.traffic.process import CONSTANT, POISSON, Process
from relayload.core.traffic.stages import Stage

ASK = Request(scenario="ask", input_tokens=30.0, max_output_tokens=100)
CHAT = Request(scenario="chat", input_tokens=10.4)


def plan_of(
    *arrivals: Arrival, stages: Sequence[Stage] = (Stage("all", 100.0),), requests: Sequence[Request] = (ASK,)
) -> Plan:
    return open_plan("p", arrivals, stages, requests)


def at(*instants_s: float, stage: int = 0) -> list[Arrival]:
    return [Arrival(index, at_s, stage, 0) for index, at_s in enumerate(instants_s)]


def test_arrivals_are_counted_by_stage_and_by_scenario() -> None:
    stages = (Stage("warm", 1.0, 1.0, warmup=True), Stage("steady", 9.0, 1.0))
    arrivals = (Arrival(0, 0.0, 0, 0), Arrival(1, 1.0, 1, 1), Arrival(2, 2.0, 1, 0))
    plan = plan_of(*arrivals, stages=stages, requests=(ASK, CHAT))
    assert [(stage.name, stage.warmup, stage.volume and stage.volume.arrivals) for stage in plan.stages] == [
        ("warm", True, 1),
        ("steady", False, 2),
    ]
    assert plan.by_scenario == {"ask": 2, "chat": 1}
    assert plan.last_at_s == 2.0


def test_the_peak_is_the_most_in_any_sliding_window() -> None:
    total = plan_of(*at(0.0, 0.9, 1.5, 1.8, 1.89, 30.0, 60.0)).total
    assert total is not None
    assert (total.peak_per_second, total.peak_per_minute) == (4, 6)


def test_arrivals_a_whole_window_apart_do_not_share_it_whatever_their_rounding() -> None:
    tenths = [0.1 * step for step in range(50)]
    total = plan_of(*at(*tenths)).total
    assert total is not None
    assert total.peak_per_second == 10


def test_a_peak_that_began_in_the_stage_before_belongs_to_the_later_one() -> None:
    stages = (Stage("a", 1.0, 3.0), Stage("b", 1.0, 1.0))
    plan = plan_of(*at(0.7, 0.8, 0.9), Arrival(3, 1.0, 1, 0), stages=stages)
    assert [stage.volume and stage.volume.peak_per_second for stage in plan.stages] == [3, 4]


def test_tokens_are_estimated_and_bounded_by_the_budgets() -> None:
    total = plan_of(*at(0.0, 1.0)).total
    assert total is not None
    assert (total.input_tokens, total.output_tokens, total.max_output_tokens) == (60, None, 200)


def test_one_scenario_without_a_budget_leaves_the_answers_without_a_bound() -> None:
    total = plan_of(Arrival(0, 0.0, 0, 0), Arrival(1, 1.0, 0, 1), requests=(ASK, CHAT)).total
    assert total is not None
    assert total.max_output_tokens is None
    assert total.input_tokens == 40


def test_a_trace_says_its_tokens_and_a_budget_cuts_the_answers() -> None:
    rows = (Arrival(0, 0.0, 0, 0, 500, 40), Arrival(1, 1.0, 0, 0, 700, 300))
    total = plan_of(*rows).total
    assert total is not None
    assert (total.input_tokens, total.output_tokens, total.max_output_tokens) == (1200, 140, 200)
    total = plan_of(*rows, requests=(CHAT,)).total
    assert total is not None
    assert (total.input_tokens, total.output_tokens, total.max_output_tokens) == (1200, 340, 340)


def test_a_schedule_without_arrivals_is_a_plan_of_nothing() -> None:
    plan = plan_of()
    assert plan.total is not None
    assert (plan.total.arrivals, plan.total.output_tokens, plan.total.max_output_tokens) == (0, 0, 0)
    assert plan.last_at_s is None


def test_a_stage_without_end_is_as_long_as_its_trace() -> None:
    (stage,) = planned([Stage("trace", math.inf)])
    assert stage.for_s is None


def test_rounds_of_a_stage_are_counted_together() -> None:
    stages = [Stage("top", 1.0, 2.0), Stage("rest", 2.0), Stage("top", 1.0, 2.0), Stage("end", 1.0, 1.0, cooldown=True)]
    plan = plan_of(*at(0.0, 0.5), *at(3.0, 3.5, 3.6, stage=2), *at(3.9, stage=3), stages=stages)
    told = [(s.name, s.for_s, s.times, s.cooldown, s.volume and s.volume.arrivals) for s in plan.stages]
    assert told == [("top", 1.0, 2, False, 5), ("rest", 2.0, 1, False, 0), ("end", 1.0, 1, True, 1)]
    assert [stage.volume and stage.volume.peak_per_second for stage in plan.stages] == [3, 0, 4]


def scheduled(limits: Limits | None, process: Process = CONSTANT) -> Iterator[Arrival]:
    return schedule([Stage("steady", 10.0, 10.0)], limits, process, [1.0], seed=1)


def test_arrivals_that_there_would_be_without_limits_are_cut() -> None:
    limits = Limits(per_second=5)
    plan = open_plan("p", scheduled(limits), [Stage("steady", 10.0, 10.0)], (ASK,), scheduled(None))
    assert plan.total is not None
    assert plan.total.peak_per_second == 5
    assert plan.total.arrivals + plan.cut == 100
    assert plan.cut == 50


def test_limits_that_are_never_reached_change_nothing() -> None:
    limits = Limits(per_second=100, per_minute=6000)
    plan = open_plan("p", scheduled(limits, POISSON), [Stage("steady", 10.0, 10.0)], (ASK,), scheduled(None, POISSON))
    assert (plan.held_back, plan.cut) == (0, 0)


class Row:
    input_tokens = output_tokens = 1
    model = scenario = session = None
    blocks = ()

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s


@given(st.lists(st.floats(0, 300), min_size=1, max_size=80), st.integers(1, 5), st.floats(1, 400))
def test_the_rows_of_a_trace_are_sent_in_time_held_back_or_cut(
    instants_s: list[float], per_second: int, for_s: float
) -> None:
    rows, stages = [Row(at_s) for at_s in sorted(instants_s)], [Stage("replay", for_s)]
    limited, unlimited = (
        list(trace_schedule(rows, stages, limits, [1.0], seed=1)) for limits in (Limits(per_second), None)
    )
    plan = open_plan("p", limited, stages, (ASK,), unlimited, replay=True)
    assert plan.held_back == sum(arrival.intended_at_s > rows[arrival.index].at_s for arrival in limited)
    assert plan.cut == len(unlimited) - len(limited)


PRICE = Price(input=Decimal(2), output=Decimal(10))


def test_the_dollars_of_answers_that_a_trace_tells_are_expected_and_bounded_by_their_budgets() -> None:
    rows = (Arrival(0, 0.0, 0, 0, 500, 40), Arrival(1, 1.0, 0, 0, 700, 300))
    total = plan_of(*rows, requests=(Request(scenario="ask", max_output_tokens=1000, price=PRICE),)).total
    assert total is not None
    assert (total.usd, total.max_usd) == (Decimal("0.0058"), Decimal("0.0224"))


def test_without_a_trace_only_the_most_is_known_in_dollars() -> None:
    priced = Request(scenario="ask", input_tokens=30.0, max_output_tokens=100, price=PRICE)
    total = plan_of(*at(0.0, 1.0), requests=(priced,)).total
    assert total is not None
    assert (total.usd, total.max_usd) == (None, Decimal("0.00212"))


def test_the_dollars_of_stages_add_up_and_one_without_a_price_leaves_them_unknown() -> None:
    stages = (Stage("a", 1.0, 1.0), Stage("b", 1.0, 1.0))
    arrivals = (Arrival(0, 0.0, 0, 0), Arrival(1, 1.0, 1, 1))
    priced = Request(scenario="ask", input_tokens=30.0, max_output_tokens=100, price=PRICE)
    both = plan_of(*arrivals, stages=stages, requests=(priced, structs.replace(priced, scenario="again")))
    assert [stage.volume and stage.volume.max_usd for stage in both.stages] == [Decimal("0.00106")] * 2
    assert both.total is not None
    assert both.total.max_usd == Decimal("0.00212")
    one = plan_of(*arrivals, stages=stages, requests=(priced, ASK))
    assert [stage.volume and stage.volume.max_usd for stage in one.stages] == [Decimal("0.00106"), None]
    assert one.total is not None
    assert one.total.max_usd is None
