from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.price import ANY, Price, blended, check_money, price_of, to_micro_usd

O3 = Price(input=Decimal("2.10"), output=Decimal("8.40"))


@pytest.mark.parametrize(
    ("price", "input_tokens", "output_tokens", "dollars"),
    [
        (Price(input=Decimal(15), output=Decimal(60)), 10_000_000, 5_000_000, "450"),
        (O3, 10_000_000, 5_000_000, "63"),
        (O3, 1, 0, "0.0000021"),
        (O3, 0, 0, "0"),
    ],
)
def test_tokens_are_paid_by_the_million(price, input_tokens, output_tokens, dollars):
    assert price.usd_of(input_tokens, output_tokens) == Decimal(dollars)


def test_cached_and_reasoning_tokens_are_parts_paid_once_at_their_own_price():
    price = Price(input=Decimal(2), output=Decimal(8), cached_input=Decimal("0.5"), reasoning=Decimal(4))
    assert price.usd_of(1_000_000, 1_000_000, cached=600_000, reasoning=250_000) == Decimal("0.8") + Decimal("0.3") + 7


def test_without_prices_of_their_own_they_are_paid_as_the_whole_they_are_part_of():
    assert O3.usd_of(1000, 1000, cached=600, reasoning=250) == O3.usd_of(1000, 1000)


def test_more_cached_tokens_than_input_are_paid_as_cached():
    price = Price(input=Decimal(2), output=Decimal(8), cached_input=Decimal(1))
    assert price.usd_of(100, 0, cached=1_000_000) == 1


def test_a_list_may_have_a_price_for_every_other_model():
    prices = {"o3": O3, ANY: Price(input=Decimal(0), output=Decimal(0))}
    assert price_of("o3", prices) is O3
    assert price_of("llama", prices) is prices[ANY]
    assert price_of("llama", {"o3": O3}) is None


def test_the_price_of_a_mix_of_models_is_their_mean_by_weight():
    prices = {"o3": O3, "o3-mini": Price(input=Decimal("0.10"), output=Decimal("0.40"))}
    assert blended(prices, {"o3": 3.0, "o3-mini": 1.0}) == Price(input=Decimal("1.60"), output=Decimal("6.40"))
    assert blended(prices, {"o3": 1.0, "o4": 1.0}) is None


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_money_adds_up_to_the_last_digit(a, b, c, d):
    assert O3.usd_of(a, b) + O3.usd_of(c, d) == O3.usd_of(a + c, b + d)


@given(st.decimals(0, 10**9, places=9))
def test_a_millionth_of_a_dollar_prints_without_an_exponent_and_keeps_its_order_as_a_float(amount):
    rounded = to_micro_usd(amount)
    assert "E" not in str(rounded)
    assert float(rounded) < float(rounded + Decimal("0.000001"))


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1E+999999", "-1E+40"])
def test_an_amount_that_nothing_can_be_added_to_is_refused(amount):
    check_money(None, Decimal("1E+39"), Decimal("-0.1"))
    with pytest.raises(ValueError, match="too large"):
        check_money(Decimal(1), Decimal(amount))


def test_any_sum_is_told_to_a_millionth():
    assert str(to_micro_usd(Decimal("1E+30"))) == f"1{'0' * 30}.000000"
