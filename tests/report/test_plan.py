from decimal import Decimal

from msgspec.structs import replace

from relayload.core.objectives.sample_forecast import Outlook, SampleForecast
from relayload.core.traffic.plan import Plan, StagePlan, Volume
from relayload.core.traffic.timeline import Timeline
from relayload.report.plan import render_plan

VOLUME = Volume(
    arrivals=40, peak_per_second=5, peak_per_minute=40, input_tokens=100, output_tokens=None, max_output_tokens=None
)
PLAN = Plan(
    profile="chat",
    load_kind="open",
    stages=(StagePlan(name="steady", for_s=10, warmup=False, volume=VOLUME),),
    total=VOLUME,
    timeline=Timeline(bin_s=5.0, counts=(20, 20)),
)
FEW = SampleForecast(expr="ttft{stage=steady}.p95 < 1s", needed=20, to_prove=59, samples=60, outlook=Outlook.SCARCE)


def test_the_plan_of_a_profile_is_at_most_80_columns_wide():
    text = render_plan(PLAN, [FEW], later_turns=12)
    assert max(map(len, text.splitlines())) <= 80


def test_objectives_are_told_with_their_samples_and_a_warning_where_they_are_few():
    cost = SampleForecast(expr="cost.usd < $1", needed=1, to_prove=1, samples=None, outlook=Outlook.UNKNOWN)
    text = render_plan(PLAN, [FEW, cost])
    assert "objective                    samples  needed  to prove\n" in text
    assert "ttft{stage=steady}.p95 < 1s       60      20        59\n" in text
    assert "cost.usd < $1                      –       1         1\n" in text
    assert text.count("warning:") == 1
    assert "warning: ttft{stage=steady}.p95 < 1s: enough samples to decide it" in text


def test_few_samples_are_warned_of_by_what_comes_of_them():
    strict = replace(FEW, needed=59, strict=True)
    too_few = replace(FEW, needed=61, outlook=Outlook.TOO_FEW)
    assert "may end INCONCLUSIVE" in " ".join(render_plan(PLAN, [strict]).split())
    assert "too few samples for a PASS" in " ".join(render_plan(PLAN, [too_few]).split())
    assert "warning" not in render_plan(PLAN, [replace(FEW, outlook=Outlook.AMPLE)])


def test_notes_are_told_beside_the_arrivals():
    assert "chats: rows left out: 3" in render_plan(PLAN, notes=["chats: rows left out: 3"])


def test_later_turns_are_told_beside_the_arrivals():
    assert "about 12 later turns" in render_plan(PLAN, later_turns=12)
    assert "later turns" not in render_plan(PLAN)


def volume(**changes) -> Volume:
    fields = {"arrivals": 50, "peak_per_second": 5, "peak_per_minute": 50, "input_tokens": 1000}
    return Volume(**(fields | {"output_tokens": None, "max_output_tokens": 5000} | changes))


def planned(total: Volume, **changes) -> str:
    stage = StagePlan(name="steady", for_s=10.0, warmup=False, volume=total)
    return render_plan(Plan(profile="p", load_kind="open", stages=(stage,), total=total, **changes))


def test_dollars_are_told_where_prices_are_known():
    assert "dollars" not in planned(volume())
    assert "≤ 5,000  ≤ $0.52\n" in planned(volume(max_usd=Decimal("0.525")))
    assert "500  $0.0630\n" in planned(volume(output_tokens=500, usd=Decimal("0.063"), max_usd=Decimal("0.525")))


def test_what_the_guardrails_will_cut_is_told():
    text = planned(volume(max_usd=Decimal(7)), beyond_requests=10, beyond_duration=1200, capped_usd=Decimal(5))
    assert "guardrails: max_requests leaves out 10 arrivals\n" in text
    assert "guardrails: max_duration leaves out 1,200 arrivals\n" in text
    assert "guardrails: max_usd is $5.00, and the answers may cost $7.00: it may stop the\nrun\n" in text


def test_a_cap_of_dollars_is_told_where_nobody_knows_what_the_answers_cost():
    assert "and nobody can say what the answers cost" in planned(volume(), capped_usd=Decimal(5))


def test_several_targets_are_told_with_their_parts():
    shares = {"direct": 0.75, "relay": 0.25}
    assert "targets: direct 75%, relay 25%\n" in planned(volume(), targets=shares)
    text = planned(volume(), targets=shares, paired=True)
    assert "every arrival is a request to each of direct, relay, and counts as 2\n" in text
