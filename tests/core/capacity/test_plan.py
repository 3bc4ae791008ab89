from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.demand import Demand, Peak
from relayload.core.capacity.model_use import ModelUse
from relayload.core.capacity.monthly_cost import monthly_cost, unpriced
from relayload.core.capacity.plan import AskedQuota, CapacityPlan, CarriedRates, Numbers, plan
from relayload.core.price import Price
from relayload.core.units import MONTH_S

TODAY = date(2026, 11, 30)
USES = {
    "o3": ModelUse(share=0.75, requests=300, input_tokens=100.0, output_tokens=50.0),
    "o4": ModelUse(share=0.25, requests=100, input_tokens=200.0, output_tokens=100.0),
}
CHEAP = {model: Price(input=Decimal(2), output=Decimal(8)) for model in USES}
DEAR = {model: Price(input=Decimal(10), output=Decimal(40)) for model in USES}


def capacity(answer: Kind = Kind.INTERVAL, **changes) -> Capacity:
    known: dict[str, Any] = {"proven_per_s": 10.0, "refuted_per_s": 12.5, "estimate_per_s": 11.0, "models": USES}
    return Capacity(answer=answer, reason="as found", exit_code=0, **(known | changes))


def planned(found: Capacity | None = None, **demand) -> CapacityPlan:
    asked: dict[str, Any] = {"mean_per_s": 40.0, "headroom": 0.0}
    return plan(found or capacity(), Demand(**(asked | demand)), TODAY, None)


@pytest.mark.parametrize(
    ("demand", "needed"),
    [
        ({}, (4, 4, 4)),
        ({"mean_per_s": 37.0}, (4, 4, 3)),
        ({"mean_per_s": 40.0, "headroom": 0.3}, (6, 6, 5)),
        ({"mean_per_s": 40.0, "lose_one": True}, (5, 5, 5)),
        ({"mean_per_s": 10.0}, (1, 1, 1)),
        ({"mean_per_s": 12.5}, (2, 2, 2)),
        ({"mean_per_s": 100.0}, (10, 10, 9)),
    ],
)
def test_the_interval_is_carried_through_to_the_number(demand, needed):
    found = planned(**demand)
    assert found.needed == Numbers(proven=needed[0], likeliest=needed[1], at_best=needed[2])
    assert (found.unit, found.exit_code) == ("replicas", 0)


@given(st.floats(0.01, 1000.0), st.floats(0.01, 100.0), st.floats(1.0001, 3.0), st.floats(0.0, 0.9), st.booleans())
def test_the_number_is_the_least_that_is_enough(
    mean_per_s: float, proven: float, factor: float, headroom: float, lose_one: bool
):
    found = planned(
        capacity(proven_per_s=proven, refuted_per_s=proven * factor, estimate_per_s=None),
        mean_per_s=mean_per_s,
        headroom=headroom,
        lose_one=lose_one,
    )
    assert found.needed.proven is not None
    assert found.needed.at_best is not None
    left = found.needed.proven - lose_one
    assert left * proven * (1 - headroom) >= mean_per_s * (1 - 1e-6)
    assert (left - 1) * proven * (1 - headroom) < mean_per_s
    assert found.needed.at_best <= found.needed.proven
    assert (found.needed.at_best - lose_one) * proven * factor * (1 - headroom) > mean_per_s * (1 - 1e-6)


@pytest.mark.parametrize(
    ("found", "needed", "code", "told"),
    [
        (capacity(Kind.AT_LEAST, refuted_per_s=None, estimate_per_s=None), (4, None, None), 0, "fewer may do"),
        (capacity(Kind.BELOW, proven_per_s=None, estimate_per_s=None), (None, None, 4), 4, "without --at-least"),
        (
            capacity(Kind.NONE, proven_per_s=None, refuted_per_s=0.5, estimate_per_s=None),
            (None, None, None),
            3,
            "no number of replicas helps",
        ),
        (capacity(Kind.GENERATOR_BOUND, refuted_per_s=None, estimate_per_s=None), (4, None, None), 0, "generator"),
        (capacity(Kind.UNSTEADY, proven_per_s=None), (None, 4, 4), 4, "grows worse"),
        (capacity(Kind.NOT_CONVERGED, proven_per_s=None), (None, 4, 4), 4, "--resume"),
        (capacity(Kind.NOT_CONVERGED), (4, 4, 4), 0, "--resume"),
    ],
)
def test_what_the_search_could_not_tell_stays_open(found, needed, code, told):
    made = planned(found)
    assert made.needed == Numbers(proven=needed[0], likeliest=needed[1], at_best=needed[2])
    assert made.exit_code == code
    assert any(told in note for note in made.notes), made.notes


def test_a_quota_is_planned_in_keys_by_what_it_lets_through():
    ceiling = Ceiling(per_s=19.4, requests=20, window_s=1.0)
    found = planned(capacity(Kind.QUOTA, proven_per_s=16.0, refuted_per_s=25.0, ceiling=ceiling))
    assert (found.unit, found.exit_code) == ("keys", 0)
    assert found.capacity == CarriedRates(proven=16.0, likeliest=20.0, at_best=20.0)
    assert found.needed == Numbers(proven=3, likeliest=2, at_best=2)
    assert "a quota of 20/s" in found.notes[0]


def test_an_estimate_stays_within_what_is_proven_and_refuted():
    assert planned(capacity(estimate_per_s=9.0)).capacity.likeliest == 10.0
    assert planned(capacity(estimate_per_s=14.0)).capacity.likeliest == 12.5


def test_the_quota_is_for_the_peak_with_its_headroom():
    found = planned(headroom=0.2)
    assert found.quota == AskedQuota(requests_per_min=3000, tokens_per_min=3000 * 75 // 100 * 150 + 750 * 300)
    assert found.models["o4"].quota == AskedQuota(requests_per_min=750, tokens_per_min=750 * 300)
    assert planned(mix={"o4": 1.0}).quota == AskedQuota(requests_per_min=2400, tokens_per_min=2400 * 300)


def test_tokens_that_nobody_told_stay_unknown():
    untold = ModelUse(share=1.0, requests=5, input_tokens=None, output_tokens=10.0)
    assert planned(capacity(models={"o3": untold})).quota == AskedQuota(requests_per_min=2400, tokens_per_min=None)
    assert planned(capacity(models={})).quota.tokens_per_min is None


def test_growth_tells_until_when_what_is_there_is_enough():
    present = planned(mean_per_s=20.0, growth_per_month=0.15, headroom=0.2, replicas=3).present
    used_up, exhausted = present.headroom_used_up.proven, present.exhausted.proven
    assert used_up is not None
    assert exhausted is not None
    assert (used_up.per_s, exhausted.per_s) == (pytest.approx(24.0), pytest.approx(30.0))
    assert used_up.months == pytest.approx(1.3045, abs=1e-3)
    assert (exhausted.months, exhausted.on) == (pytest.approx(2.9011, abs=1e-3), "2027-02-26")
    best = present.exhausted.at_best
    assert best is not None
    assert best.months is not None
    assert exhausted.months is not None
    assert best.months > exhausted.months


@pytest.mark.parametrize(
    ("demand", "months"),
    [
        ({"replicas": 5}, None),
        ({"replicas": 4}, 0.0),
        ({"replicas": 4, "growth_per_month": 0.1}, 0.0),
        ({"replicas": 5, "growth_per_month": 1e-9}, None),
        ({"replicas": 5, "lose_one": True}, 0.0),
        ({"replicas": 1, "lose_one": True}, 0.0),
    ],
)
def test_it_is_enough_for_ever_or_no_longer(demand, months):
    exhausted = planned(**demand).present.exhausted.proven
    assert exhausted is not None
    assert (exhausted.months, exhausted.on) == (months, None if months is None else "2026-11-30")


def test_another_mix_or_another_size_than_measured_is_no_small_thing():
    assert not planned(mix={"o3": 0.73, "o4": 0.27}).notes
    assert "measured with o3=75%, o4=25%" in planned(mix={"o3": 0.5, "o4": 0.5}).notes[0]
    peak = Peak(
        requests=1000, for_s=3600.0, mean_per_s=1.0, peak_per_s=2.0, at_s=9.0, input_tokens=1250.0, output_tokens=63.0
    )
    notes = planned(peak=peak).notes
    assert notes[0] == "the trace covers 1h: the peak of a day may be higher"
    assert "have 1,250 tokens in, those that were measured 125" in notes[1]
    assert planned(peak=peak).peak_per_s == 80.0


def test_a_month_costs_what_its_tokens_do():
    shares = {"o3": 0.5, "o4": 0.5}
    cost = monthly_cost(1.0, shares, USES, [("direct", DEAR), ("relay", CHEAP)])
    assert cost is not None
    requests = MONTH_S / 2
    assert cost.models["o3"].requests == round(requests)
    dear, cheap = (offer.amount for offer in cost.models["o3"].offers)
    assert float(cheap) == pytest.approx(requests * (100 * 2 + 50 * 8) / 1e6, abs=0.01)
    assert float(dear) == pytest.approx(5 * float(cheap), abs=0.05)
    assert cost.total.asked.requests == sum(model.requests for model in cost.models.values())
    assert cost.total.saving is not None
    assert cost.total.saving.share == Decimal("0.8000")
    assert sum(model.offers[1].amount for model in cost.models.values()) == pytest.approx(
        cost.total.offers[1].amount, abs=Decimal("0.02")
    )


def test_without_prices_or_tokens_there_is_no_cost():
    untold = {"o3": ModelUse(share=1.0, requests=5, input_tokens=None, output_tokens=10.0)}
    assert monthly_cost(1.0, {"o3": 1.0}, USES, []) is None
    assert monthly_cost(1.0, {"o3": 1.0}, untold, [("relay", CHEAP)]) is None
    assert unpriced({"o3": 0.5, "o9": 0.5}, CHEAP) == ("o9",)


def test_unless_told_the_dates_are_those_of_as_many_as_are_needed():
    found = planned(mean_per_s=100.0, growth_per_month=0.15, headroom=0.2)
    assert found.needed.proven is not None
    assert found.present.replicas == found.needed.proven > 1
    used_up = found.present.headroom_used_up.proven
    assert used_up is not None
    assert used_up.months, "as many as are needed are enough for a while"
