from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.price_quote import Amount, Period, Saving, quote

ASKED = Amount(input_tokens=10_000_000, output_tokens=5_000_000, per=Period.MONTH)


def test_two_offers_are_told_with_what_the_second_saves_and_that_by_the_year():
    made = quote(ASKED, [("direct", Decimal(450)), ("relay", Decimal(63))])
    assert [str(offer.amount) for offer in made.offers] == ["450.00", "63.00"]
    assert made.saving == Saving(amount=Decimal(387), share=Decimal("0.86"), per_year=Decimal(4644))


def test_a_dearer_offer_saves_less_than_nothing():
    saving = quote(ASKED, [("a", Decimal(50)), ("b", Decimal(75))]).saving
    assert saving == Saving(amount=Decimal(-25), share=Decimal("-0.5"), per_year=Decimal(-300))


def test_what_is_asked_for_once_saves_nothing_by_the_year():
    saving = quote(Amount(input_tokens=1, output_tokens=1), [("a", Decimal(0)), ("b", Decimal(0))]).saving
    assert saving == Saving(amount=Decimal(0), share=None, per_year=None)


def test_one_offer_has_nothing_to_save():
    assert quote(ASKED, [("a", Decimal(1))]).saving is None


@pytest.mark.parametrize(("per", "times"), [(Period.DAY, 365), (Period.MONTH, 12), (Period.YEAR, 1)])
def test_a_year_has_so_many_of_each_period(per, times):
    asked = Amount(input_tokens=1, output_tokens=1, per=per)
    saving = quote(asked, [("a", Decimal(2)), ("b", Decimal(1))]).saving
    assert saving is not None
    assert saving.per_year == times


def test_amounts_in_another_currency_are_rounded_once():
    made = quote(ASKED, [("a", Decimal("4.004")), ("b", Decimal("1.001"))], "CNY", Decimal("7.2"))
    assert [str(offer.amount) for offer in made.offers] == ["28.83", "7.21"]
    assert made.saving is not None
    assert (str(made.saving.amount), str(made.saving.per_year)) == ("21.62", "259.46")


@given(st.lists(st.decimals(0, 10**9, places=12), min_size=2, max_size=2))
def test_what_is_saved_is_the_difference_of_what_is_told(exact: list[Decimal]):
    made = quote(ASKED, [("any", amount) for amount in exact])
    first, last = (offer.amount for offer in made.offers)
    assert made.saving is not None
    assert made.saving.amount == first - last
    assert all(bool(offer.amount) == bool(amount) for offer, amount in zip(made.offers, exact, strict=True))
