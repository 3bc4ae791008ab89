import math
from decimal import Decimal

import pytest
from support import present

from relayload.core.errors import AuthorError
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.batches import Batches
from relayload.core.traffic.plan import StagePlan
from relayload.core.traffic.prompts import CHAT_TOKENS
from relayload.core.traffic.stages import Stage
from relayload.profile import Profile
from relayload.profile.checks.loads import ROWS_CHECKED
from relayload.profile.loads import BatchLoad
from relayload.profile.plan import arrivals, batch_scenarios, batches, is_cut_short, plan, stages

STAGES = "stages:\n    - {for: 10s, rate: 5/s}"
ROWS = ["2023-11-16 18:15:00,100,10", "2023-11-16 18:15:10,200,20", "2023-11-16 18:15:30,300,30"]
REPLAY = "arrivals: {trace: azure.csv, format: azure, speed: 10}"


def replay(good: str, *lines: str) -> str:
    return good.replace(STAGES, "\n  ".join([REPLAY, *lines])).replace(", prompt: simple", "")


def closed(good: str) -> str:
    load = "users: 3\n  stages: [{name: warm, for: 5s, warmup: true}, {for: 10s}]"
    return good.replace(STAGES, load).replace("kind: open", "kind: closed")


def test_an_open_load_is_the_schedule_of_its_stages(read, good):
    profile = read(good.replace("kind: open", "kind: open\n  arrivals: constant"))
    assert stages(profile) == (Stage("stage-1", 10.0, 5.0),)
    assert [arrival.intended_at_s for arrival in arrivals(profile)][:3] == [0.0, 0.2, 0.4]


def test_the_seed_of_the_profile_is_that_of_the_schedule(read, good):
    one, again, other = (list(arrivals(read(good, f"seed={seed}"))) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_weights_are_those_of_the_scenarios_in_their_order(read, good):
    profile = read(f"{good}  rare: {{weight: 0.000001, model: o3, prompt: code}}\n", "load.stages.0.for=100s")
    assert {arrival.scenario for arrival in arrivals(profile)} == {0}


def test_a_replay_has_the_rows_of_its_trace(read, good, trace_file):
    trace_file(*ROWS)
    profile = read(replay(good))
    assert stages(profile) == (Stage("trace", math.inf),)
    assert list(arrivals(profile)) == [
        Arrival(0, 0.0, 0, 0, 100, 10),
        Arrival(1, 1.0, 0, 0, 200, 20),
        Arrival(2, 3.0, 0, 0, 300, 30),
    ]


def test_a_replay_ends_with_its_last_stage_if_that_is_earlier(read, good, trace_file):
    trace_file(*ROWS)
    profile = read(replay(good, "stages: [{name: warm, for: 500ms, warmup: true}, {for: 2s}]"))
    assert [(arrival.index, arrival.stage) for arrival in arrivals(profile)] == [(0, 0), (1, 1)]


def test_a_closed_load_has_stages_but_no_schedule(read, good):
    profile = read(closed(good))
    assert stages(profile) == (Stage("warm", 5.0, warmup=True), Stage("stage-2", 10.0))
    assert list(arrivals(profile)) == []


def test_the_plan_of_an_open_load_counts_it(read, good):
    planned = plan(read(good, "load.arrivals=constant", "scenarios.simple.max_output_tokens=100"))
    assert (planned.profile, planned.load_kind, planned.by_scenario) == ("chat", "open", {"simple": 50})
    assert planned.total is not None
    assert (planned.total.arrivals, planned.total.peak_per_second, planned.total.peak_per_minute) == (50, 5, 50)
    assert (planned.total.output_tokens, planned.total.max_output_tokens) == (None, 5000)
    assert 20 * 50 < planned.total.input_tokens < 40 * 50
    assert (planned.held_back, planned.cut) == (0, 0)


def test_the_plan_counts_the_texts_to_embed_and_no_output(read, good):
    sets = ("load.arrivals=constant", "scenarios.simple.endpoint=embeddings", "scenarios.simple.nonce=false")
    one, many = (present(plan(read(good, *sets, f"scenarios.simple.inputs={inputs}")).total) for inputs in (1, 8))
    chat = present(plan(read(good, "load.arrivals=constant", "scenarios.simple.nonce=false")).total)
    assert one.input_tokens == chat.input_tokens - 50 * CHAT_TOKENS
    assert many.input_tokens == pytest.approx(8 * one.input_tokens, abs=8)
    assert (many.output_tokens, many.max_output_tokens) == (0, 0)
    exact = present(plan(read(good, *sets, "scenarios.simple.inputs=8", "scenarios.simple.input_tokens=100")).total)
    assert exact.input_tokens == 5000


def test_the_plan_of_a_replay_has_no_output_of_embeddings(read, good, trace_file):
    trace_file(*ROWS)
    total = present(plan(read(replay(good), "scenarios.simple.endpoint=embeddings")).total)
    assert (total.input_tokens, total.output_tokens, total.max_output_tokens) == (600, 0, 0)


def test_the_plan_says_what_limits_take_away(read, good):
    planned = plan(read(good, "load.arrivals=constant", "load.limits.per_minute=20"))
    assert planned.total is not None
    assert (planned.total.arrivals, planned.cut) == (20, 30)


def test_the_plan_of_a_replay_has_the_tokens_of_the_trace(read, good, trace_file):
    trace_file(*ROWS)
    planned = plan(read(replay(good, "limits: {per_second: 1}"), "load.arrivals.speed=100"))
    assert planned.total is not None
    assert (planned.total.input_tokens, planned.total.output_tokens) == (600, 60)
    assert (planned.held_back, planned.cut) == (2, 0)
    assert planned.stages[0].for_s is None


def test_the_plan_of_a_closed_load_knows_users_and_times_alone(read, good):
    planned = plan(read(closed(good)))
    assert (planned.load_kind, planned.users, planned.total, planned.last_at_s) == ("closed", 3, None, None)
    assert planned.stages == (
        StagePlan(name="warm", for_s=5.0, warmup=True),
        StagePlan(name="stage-2", for_s=10.0, warmup=False),
    )


def batch(good: str, lines: str = "requests: 100") -> str:
    return good.replace(STAGES, lines).replace("kind: open", "kind: batch")


def test_a_batch_has_one_stage_whose_end_only_the_run_knows(read, good):
    profile = read(batch(good))
    assert stages(profile) == (Stage("batch", math.inf),)
    assert list(arrivals(profile)) == []


def listed(profile: Profile) -> Batches:
    assert isinstance(profile.load, BatchLoad)
    return batches(profile, profile.load)


def test_without_a_size_the_list_is_one_batch(read, good):
    assert listed(read(batch(good))) == Batches(100, 100, 10)
    assert listed(read(batch(good), "load.batch_size=300", "load.max_concurrent=3")) == Batches(100, 100, 3)
    assert listed(read(batch(good), "load.batch_size=30")) == Batches(100, 30, 10)


def test_a_batch_draws_its_scenarios_as_an_open_load_does(read, good):
    mixed = f"{good}  other: {{weight: 2, model: o3, prompt: code}}\n"
    profile = read(batch(mixed))
    drawn = batch_scenarios(profile, profile.load)
    assert len(drawn) == 100
    assert drawn[:40] == [arrival.scenario for arrival in arrivals(read(mixed))][:40]


def test_the_plan_of_a_batch_knows_all_but_how_long_it_takes(read, good):
    planned = plan(read(batch(good), "load.batch_size=30", "scenarios.simple.max_output_tokens=5"))
    assert (planned.load_kind, planned.batch_size, planned.max_concurrent) == ("batch", 30, 10)
    assert planned.by_scenario == {"simple": 100}
    assert planned.total is not None
    assert (planned.total.arrivals, planned.total.max_output_tokens) == (100, 500)
    assert (planned.total.peak_per_second, planned.total.peak_per_minute) == (None, None)
    (stage,) = planned.stages
    assert stage == StagePlan(name="batch", for_s=None, warmup=False, volume=planned.total, by_scenario={"simple": 100})


def test_a_bad_row_far_down_a_trace_is_found_by_the_plan(read, good, trace_file):
    trace_file(*[ROWS[0]] * ROWS_CHECKED, "nonsense")
    profile = read(replay(good))
    with pytest.raises(AuthorError, match=rf"azure.csv:{ROWS_CHECKED + 2}:1: expected 3 columns, got 1"):
        plan(profile)


def test_the_schedule_ends_at_the_longest_duration(read, good):
    text = good.replace("kind: open", "kind: open\n  arrivals: constant")
    profile = read(text, "guardrails.max_duration=2s")
    assert [arrival.intended_at_s for arrival in arrivals(profile)][-1] == pytest.approx(1.8)
    assert is_cut_short(profile)
    assert not is_cut_short(read(text, "guardrails.max_duration=10s"))
    assert not is_cut_short(read(text))


def test_a_trace_is_cut_short_only_if_a_row_comes_later(read, good, trace_file):
    trace_file(*ROWS)
    assert is_cut_short(read(replay(good), "guardrails.max_duration=2s"))
    assert not is_cut_short(read(replay(good), "guardrails.max_duration=4s"))


def test_the_plan_says_what_the_guardrails_leave_out(read, good):
    text = good.replace("kind: open", "kind: open\n  arrivals: constant")
    planned = plan(read(text, "guardrails.max_duration=8s", "guardrails.max_requests=30"))
    assert planned.total is not None
    assert (planned.total.arrivals, planned.beyond_duration, planned.beyond_requests) == (50, 10, 10)
    assert plan(read(text)).beyond_requests == plan(read(text)).beyond_duration == 0


@pytest.mark.parametrize(
    ("budget", "cap", "capped"), [("100", "$0.50", None), ("100", "$0.01", "0.01"), ("null", "$0.50", "0.50")]
)
def test_a_cap_that_the_answers_may_pass_is_told(read, good, budget, cap, capped):
    sets = ["target.prices=holysheep", f"scenarios.simple.max_output_tokens={budget}", f"guardrails.max_usd={cap}"]
    planned = plan(read(good, *sets))
    assert planned.capped_usd == (None if capped is None else Decimal(capped))


def test_a_mix_of_models_is_priced_by_weight_and_conversations_not_at_all(read, good):
    sets = ["target.prices=holysheep", "load.arrivals=constant", "scenarios.simple.max_output_tokens=100"]
    one = plan(read(good, *sets, "scenarios.simple.input_tokens=100")).total
    mixed = plan(
        read(good, *sets, "scenarios.simple.input_tokens=100", "scenarios.simple.model={o3: 1, o3-mini: 3}")
    ).total
    assert one is not None
    assert mixed is not None
    assert one.max_usd == 50 * Decimal("0.00105")
    assert mixed.max_usd == 50 * (Decimal("0.00105") + 3 * Decimal("0.00014")) / 4
    talk = plan(read(good, *sets, "scenarios.simple.conversation={turns: 3}")).total
    assert talk is not None
    assert talk.max_usd is None
