from pathlib import Path

import pytest

from relayload.capacity.terms import Options, check, terms_of
from relayload.capacity.trial_profile import trial_sets
from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import Purpose, Wanted
from relayload.core.objectives.sample_forecast import Outlook
from relayload.profile import load
from relayload.profile.forecast import forecast
from relayload.profile.plan import plan

PROFILES = Path(__file__).parents[2] / "profiles"


READY = ["latency", "throughput", "long-context", "conversation", "batch", "steady", "spike", "soak"]


@pytest.mark.parametrize("name", READY)
def test_a_ready_profile_needs_nothing_but_the_fake_relay_and_about_a_minute(name):
    profile = load(PROFILES / f"{name}.yaml", environ={})
    assert profile.name == name
    assert profile.target.fake_preset == "o-series"
    assert profile.objectives
    assert sum(stage.times * (stage.for_s or 0) for stage in plan(profile).stages) <= 60


def test_the_comparison_needs_nothing_but_two_fake_relays_and_about_a_minute():
    profile = load(PROFILES / "compare-relay-direct.yaml", environ={})
    assert profile.paired
    assert [target.fake_preset for target in profile.named_targets.values()] == ["direct", "o-series"]
    found = forecast(profile)
    assert sum(stage.for_s or 0 for stage in found.stages) <= 60
    assert {each.outlook for each in found.objectives} == {Outlook.AMPLE}
    assert found.capped_usd is None


def test_the_neighbours_need_nothing_but_a_fake_relay_and_about_a_minute():
    profile = load(PROFILES / "noisy-neighbour.yaml", environ={})
    assert profile.target.fake_preset == "tenants"
    found = forecast(profile)
    assert sum(stage.for_s or 0 for stage in found.stages) <= 60
    assert {each.outlook for each in found.objectives} == {Outlook.AMPLE}


@pytest.mark.parametrize("name", ["capacity-chat", "capacity-code", "capacity-closed"])
def test_a_capacity_is_found_with_nothing_but_a_fake_relay_that_has_one(name):
    profile = load(PROFILES / f"{name}.yaml", environ={})
    assert profile.target.fake_preset == "slots"
    check(profile)
    terms = terms_of(profile, Options())
    wanted = Wanted(purpose=Purpose.CONFIRM, rate_per_s=10.0, users=None, warmup_s=10.0, measured_s=120.0)
    opened = ["load={kind: open}"] if terms.over is Over.USERS else []
    found = forecast(load(PROFILES / f"{name}.yaml", [*opened, *trial_sets(profile, wanted, 1)], environ={}))
    assert {each.outlook for each in found.objectives} == {Outlook.AMPLE}


def test_every_percentile_of_the_latency_table_has_the_samples_it_needs():
    counts = plan(load(PROFILES / "latency.yaml", environ={})).by_scenario
    assert counts is not None
    assert min(counts.values()) >= 299 / 0.9
