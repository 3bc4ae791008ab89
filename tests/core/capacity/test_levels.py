import pytest

from relayload.core.capacity.levels import Over
from relayload.core.capacity.terms import Terms


def test_rates_have_four_digits_and_users_are_whole():
    assert Over.RATE.rounded(12.34567) == 12.35
    assert Over.USERS.rounded(12.34567) == 12.0
    assert [Over.RATE.told(12.5), Over.USERS.told(12.0), Over.USERS.told(1.0)] == ["12.5/s", "12 users", "1 user"]


def test_users_differ_by_one_at_least():
    assert (Over.USERS.below(3.0, 1.05), Over.USERS.above(3.0, 1.05)) == (2.0, 4.0)
    assert (Over.USERS.below(100.0, 1.25), Over.USERS.above(100.0, 1.25)) == (80.0, 125.0)
    assert (Over.RATE.below(3.0, 1.05), Over.RATE.above(3.0, 1.05)) == (2.857, 3.15)


@pytest.mark.parametrize(
    ("over", "low", "high", "close"),
    [
        (Over.RATE, 10.0, 10.5, True),
        (Over.RATE, 10.0, 10.6, False),
        (Over.USERS, 10.0, 11.0, True),
        (Over.USERS, 10.0, 12.0, False),
        (Over.USERS, 100.0, 105.0, True),
    ],
)
def test_levels_are_close_within_the_precision_or_as_neighbours(over, low, high, close):
    assert Terms(over=over, start=low, lowest=1.0, highest=1000.0).close(low, high) is close
