import math
from decimal import Decimal
from random import Random

import pytest
from audited_answers import answer, answers
from msgspec.structs import replace

from relayload.core.audit.token_line import Estimate
from relayload.core.audit.usage import Payment, usage
from relayload.core.price import Price

PAYMENT = Payment(price=Price(input=Decimal(2), output=Decimal(10)), requests_per_month=1_000_000)


def test_an_honest_report_has_a_factor_of_one_and_no_fault() -> None:
    found = usage(answers(target="relay"), payment=PAYMENT)
    assert (found.target, found.model, found.answers, found.encoding) == ("relay", "m", 40, "o200k_base")
    assert found.input is not None
    assert found.output is not None
    assert found.input.factor == found.output.factor == Estimate(1.0, 1.0, 1.0)
    assert found.input.offset == Estimate(0.0, 0.0, 0.0)
    assert (found.faults, found.unknown, found.reference) == ({}, None, None)
    assert found.usd_per_month == Estimate(0.0, 0.0, 0.0)


def test_what_is_reported_beyond_the_counts_costs_dollars_a_month() -> None:
    hidden = [replace(each, input_tokens=(each.counted_input or 0) + 2000) for each in answers()]
    found = usage(hidden, payment=PAYMENT)
    assert found.input is not None
    assert found.input.offset == Estimate(2000.0, 2000.0, 2000.0)
    assert found.usd_per_month is not None
    assert found.usd_per_month.value == pytest.approx(2000 * 2 / 1e6 * 1e6)
    assert usage(hidden).usd_per_month is None


def test_a_share_that_is_inflated_has_a_cost_with_an_interval() -> None:
    some = [replace(each, output_tokens=(each.output_tokens or 0) * (1 + (each.index % 3 == 0))) for each in answers()]
    found = usage(some, payment=PAYMENT)
    assert found.output is not None
    assert found.output.off_line > 8
    assert found.usd_per_month is not None
    assert 0 < found.usd_per_month.low < found.usd_per_month.value < found.usd_per_month.high


def test_cached_and_reasoning_tokens_are_paid_at_their_prices() -> None:
    price = Price(input=Decimal(2), output=Decimal(10), cached_input=Decimal(1), reasoning=Decimal(20))
    payment = Payment(price=price, requests_per_month=1e6)
    told = [
        answer(index, counted_reasoning=10, reasoning_tokens=20, output_tokens=40, cached_input_tokens=50)
        for index in range(10)
    ]
    found = usage(told, payment=payment).usd_per_month
    assert found is not None
    assert found.value == pytest.approx(10 * 20)


def test_reasoning_that_was_not_sent_is_left_out_and_counted_apart() -> None:
    hidden = [replace(each, reasoning_tokens=500, output_tokens=(each.output_tokens or 0) + 500) for each in answers()]
    found = usage(hidden)
    assert found.hidden_reasoning == 40
    assert found.output is not None
    assert found.output.factor == Estimate(1.0, 1.0, 1.0)
    assert found.output.reported == found.output.counted


def test_reasoning_that_was_sent_is_held_against_its_report() -> None:
    sent = [
        replace(each, counted_reasoning=2 * written, reasoning_tokens=4 * written, output_tokens=5 * written)
        for each in answers()
        if (written := each.counted_output)
    ]
    found = usage(sent)
    assert found.hidden_reasoning == 0
    assert found.output is not None
    assert found.output.factor is not None
    assert found.output.factor.value == pytest.approx(5 / 3)


def test_answers_that_end_by_themselves_tell_more_than_those_cut_at_their_budget() -> None:
    """An end token is counted by many relays, and has no place in an answer that was cut."""
    ended = [answer(index, written=3 + index, output_tokens=4 + index) for index in range(60)]
    cut = [answer(index, written=40, finish_reason="length") for index in range(60, 200)]
    found = usage([*ended, *cut]).output
    assert found is not None
    assert (found.answers, found.factor, found.off_line) == (60, Estimate(1.0, 1.0, 1.0), 0)


@pytest.mark.parametrize(("factor", "accused"), [(1.02, False), (1.05, True), (1.1, True)])
@pytest.mark.parametrize("lengths", [(20, 40), (30, 60), (20, 300)])
def test_an_output_that_was_rounded_up_is_surely_what_it_was_multiplied_by(
    lengths: tuple[int, int], factor: float, *, accused: bool
) -> None:
    rng = Random(7)
    told = [
        answer(index, counted_output=written, output_tokens=math.ceil(round(factor * written, 6)))
        for index in range(200)
        if (written := rng.randint(*lengths))
    ]
    output = usage(told).output
    assert output is not None
    assert output.factor is not None
    if output.factor.low > 1:
        assert output.factor.low <= factor <= output.factor.high
    assert (output.factor.low > 1.02) is accused


def test_a_reference_stands_in_for_counts_of_an_unknown_encoding() -> None:
    told = [replace(each, encoding=None, counted_input=None, counted_output=None) for each in answers(target="relay")]
    vendor = [replace(each, target="vendor", request=f"v{each.index}") for each in told]
    inflated = [replace(each, input_tokens=(each.input_tokens or 0) * 3 // 2) for each in told]
    found = usage(inflated, vendor)
    assert (found.reference, found.unknown, found.output) == ("vendor", None, None)
    assert found.input is not None
    assert found.input.factor is not None
    assert found.input.factor.value == pytest.approx(1.5, abs=0.01)


def test_dialogues_are_paired_by_their_request() -> None:
    """Their requests share an index."""
    told = [
        replace(each, encoding=None, counted_input=None, counted_output=None, index=0) for each in answers(target="a")
    ]
    assert usage(told, [replace(each, target="b") for each in told]).input is not None
    assert usage(told, [replace(each, target="b", request=f"b{each.request}") for each in told]).input is None


def test_nothing_is_told_without_counts_and_without_a_reference() -> None:
    told = [replace(each, encoding=None, counted_input=None, counted_output=None) for each in answers()]
    assert usage(told).unknown == "the tokens of m can't be counted here, and no reference reported the same requests"
    silent = [replace(each, input_tokens=None, output_tokens=None) for each in answers()]
    assert usage(silent).unknown == "it reports no tokens"
