from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.units import (
    byte_count,
    comparable_money,
    count_per_s,
    format_bytes,
    format_usd,
    fraction,
    money,
    usd,
    whole_count,
)


@pytest.mark.parametrize(
    ("text", "amount"), [("$5", "5"), ("$0.01", "0.01"), ("2.10", "2.10"), (" $ 15 ", "15"), ("0", "0")]
)
def test_dollars_are_read_to_the_digit(text, amount):
    assert usd(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "$", "-$5", "5€", "$1,000", "$1e3", "five"])
def test_what_is_no_amount_of_dollars_is_refused(text):
    with pytest.raises(ValueError, match="expected dollars such as"):
        usd(text)


@pytest.mark.parametrize(
    ("text", "count"), [("250", 250), ("1.5k", 1500), ("10M", 10_000_000), ("5 M", 5_000_000), ("2B", 2_000_000_000)]
)
def test_counts_may_be_written_short(text, count):
    assert whole_count(text) == count


@pytest.mark.parametrize(
    ("text", "limit"), [("10/s", (10, 1.0)), ("200k/min", (200_000, 60.0)), ("1_000 / h", (1000, 3600.0))]
)
def test_limits_are_so_many_in_so_many_seconds(text, limit):
    assert count_per_s(text) == limit


@pytest.mark.parametrize("text", ["10", "0/s", "-1/s", "1.5/s", f"{'9' * 400}/s", f"{'9' * 5000}/s", "1000000001M/s"])
def test_what_is_no_limit_or_more_than_a_clock_can_keep_is_refused(text):
    with pytest.raises(ValueError, match="limit"):
        count_per_s(text)


@pytest.mark.parametrize(
    ("text", "size"), [("64kB", 64_000), ("1.5MB", 1_500_000), ("8 MiB", 8_388_608), ("512B", 512), ("1GB", 10**9)]
)
def test_sizes_are_read_by_their_unit(text, size):
    assert byte_count(text) == size


@pytest.mark.parametrize("text", ["", "64", "64k", "8mb", "-1kB", "kB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="expected a size such as"):
        byte_count(text)


@pytest.mark.parametrize(("size", "text"), [(65_536, "65.536kB"), (8_000_000, "8MB"), (512, "512B"), (10**9, "1GB")])
def test_sizes_are_written_as_they_are_read(size, text):
    assert format_bytes(size) == text
    assert byte_count(text) == size


@pytest.mark.parametrize("text", ["", "M", "1.5", "0.0001k", "10m", "-1", "ten"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueError, match="expected a whole number such as"):
        whole_count(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("4644", "$4,644.00"),
        ("0.1", "$0.10"),
        ("0.0123456", "$0.0123"),
        ("0.000001", "$0.000001"),
        ("0", "$0.00"),
        ("2.345", "$2.34"),
    ],
)
def test_dollars_are_shown_to_the_cent_and_finer_below_ten_of_them(amount, text):
    assert format_usd(Decimal(amount)) == text


def test_other_currencies_are_shown_by_the_same_rule():
    assert money(Decimal("3240")) == "3,240.00"


@pytest.mark.parametrize(
    ("exact", "told"),
    [
        (("450", "63"), ("450.00", "63.00")),
        (("0.0009",), ("0.0009",)),
        (("0.000123456",), ("0.000123",)),
        (("0.03",), ("0.03",)),
        (("0.09996",), ("0.10",)),
        (("0.0000014",), ("0.0000014",)),
        (("0",), ("0.00",)),
        (("12", "0.0009"), ("12.0000", "0.0009")),
        (("12.3456789", "0.0009"), ("12.345679", "0.000900")),
    ],
)
def test_amounts_beside_one_another_have_as_many_decimals_as_the_smallest_needs(exact, told):
    assert [f"{amount:f}" for amount in comparable_money(list(map(Decimal, exact)))] == list(told)


@given(st.lists(st.decimals(0, 10**9, places=12), min_size=1, max_size=3))
def test_no_amount_is_rounded_to_nothing(exact: list[Decimal]):
    told = comparable_money(exact)
    assert [bool(amount) for amount in told] == [bool(amount) for amount in exact]
    assert len({amount.as_tuple().exponent for amount in told}) == 1


@given(st.integers(0, 1000))
def test_a_share_is_that_of_a_count_so_that_an_equal_one_is_neither_less_nor_more(tenths: int):
    assert fraction(f"{tenths // 10}.{tenths % 10}%") == tenths / 1000
