"""What an audit has to know of the run beside its answers."""

from decimal import Decimal
from typing import Any

import pytest

from relayload.core.metrics.audited import audit_of, conditions, terms_of
from relayload.core.model.audited import Audited
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo, TargetInfo
from relayload.core.price import Price
from relayload.core.units import MONTH_S

PRICE = Price(input=Decimal(2), output=Decimal(8))


def audited(index: int, tokens: int = 100, **changes: Any) -> Audited:
    """An answer whose 100 tokens and some were counted and reported alike."""
    fields: dict[str, Any] = {
        "index": index, "worker": 0, "scenario": "simple", "stage": "steady", "model": "o3", "measured": True,
        "intended_at_s": float(index), "request": f"{index:x}", "encoding": "o200k_base", "repeated_input": 0,
        "counted_input": tokens, "input_tokens": tokens, "counted_output": tokens // 10, "output_tokens": tokens // 10,
        "counted_reasoning": 0,
    }  # fmt: skip
    return Audited(**(fields | changes))


@pytest.mark.parametrize(
    ("requests", "lengths_s", "loads"),
    [
        ({"steady": 100}, {"steady": 10.0}, {}),
        ({"one": 100, "other": 120}, {"one": 10.0, "other": 10.0}, {}),
        ({"low": 10, "steady": 100}, {"low": 10.0, "steady": 10.0}, {"low": "low rate", "steady": "plan's rate"}),
        (
            {"low": 60, "steady": 600, "burst": 200},
            {"low": 60.0, "steady": 60.0, "burst": 5.0},
            {"low": "low rate", "steady": "plan's rate", "burst": "burst"},
        ),
        ({"low": 10, "steady": 100, "unreached": 0}, {"low": 10.0, "steady": 10.0, "unreached": 0.0}, None),
        ({}, {"steady": 10.0}, {}),
    ],
)
def test_stages_are_of_one_load_by_their_rates(requests, lengths_s, loads):
    expected = {"low": "low rate", "steady": "plan's rate"} if loads is None else loads
    assert conditions(requests, lengths_s) == expected


def test_the_traffic_of_a_month_is_without_the_audits_own_questions(request_line, folded, make_run):
    lines = [request_line(index, scenario="simple" if index % 2 else "audit_open") for index in range(100)]
    lines += [request_line(100, outcome=Outcome.SERVER_ERROR), request_line(101, measured=False)]
    lines += [audited(0, scenario="audit_open", question="open:1"), audited(1)]
    run = make_run(prices={"o3": PRICE})
    terms = terms_of(folded(lines, run=run), run)
    assert terms.requests_per_month == {(None, "o3"): pytest.approx(50 / 100 * MONTH_S)}
    assert terms.prices == {(None, "o3"): PRICE}
    assert (terms.reference, terms.conditions) == (None, {})


def test_each_target_has_its_prices_and_the_run_tells_the_reference(folded, make_run):
    targets = {
        "vendor": TargetInfo(base_url="http://a/v1", prices={"o3": PRICE}),
        "relay": TargetInfo(base_url="http://b/v1"),
    }
    run = make_run(targets=targets, reference="vendor", prices={"o3": PRICE})
    terms = terms_of(folded([audited(0, target="vendor"), audited(1, target="relay")], run=run), run)
    assert terms.prices == {("vendor", "o3"): PRICE}
    assert terms.reference == "vendor"


def test_warm_ups_are_of_no_load(request_line, folded, make_run):
    stages = (
        StageInfo(name="warm", for_s=10.0, warmup=True),
        StageInfo(name="low", for_s=45.0),
        StageInfo(name="steady", for_s=45.0),
    )
    lines = [request_line(0, stage="warm", measured=False), audited(0)]
    lines += [request_line(index, stage="low", intended_at_s=10.0 + index) for index in range(10)]
    lines += [request_line(index, stage="steady", intended_at_s=55.0) for index in range(10, 100)]
    run = make_run(stages=stages)
    assert terms_of(folded(lines, run=run), run).conditions == {"low": "low rate", "steady": "plan's rate"}


def test_a_run_without_audited_answers_has_no_audit(request_line, folded, make_run):
    assert audit_of(folded([request_line(0)]), make_run()) is None


def test_an_honest_run_is_audited(folded, make_run):
    found = audit_of(folded([audited(index, 100 + index) for index in range(50)]), make_run())
    assert found is not None
    (usage,) = found.usage
    assert usage.input is not None
    assert usage.input.factor is not None
    assert (usage.target, usage.model, usage.answers) == (None, "o3", 50)
    assert usage.input.factor.value == 1.0
