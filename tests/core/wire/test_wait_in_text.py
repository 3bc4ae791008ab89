import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.wait_in_text import wait_in_text_s


@pytest.mark.parametrize(
    ("message", "expected_s"),
    [
        ("Rate limit reached for o3. Please try again in 11.87s. Visit ...", 11.87),
        ("Please try again in 120ms.", 0.12),
        ("Please try again in 6m0s.", 360.0),
        ("Please try again in 1m30.5s", 90.5),
        ("Please retry after 26 seconds.", 26.0),
        ("Try again in 60 seconds. Passed model=o3", 60.0),
        ("please retry in 32.5s.", 32.5),
        ("Try again in 1 minute 5 secs", 65.0),
        ("try again in 250 milliseconds", 0.25),
        ("try again in 2 hours", 7200.0),
        ("try again in 1 minute and 30 seconds", 90.0),
        ("try again in 3 hours, 2 minutes, and 5 seconds", 10_925.0),
        ("try again in 2 days", 172_800.0),
        ("try again in 1d2h", 93_600.0),
        ("try again in 5 seconds, and 3 times at most", 5.0),
        ("try again in 5s and 10s later", 15.0),
        ("try again in 1m 30s, please", 90.0),
        ("try again in a moment", None),
        ("try again in 5 sausages", None),
        ("try again in 5", None),
        ("you have 5 seconds", None),
        ("", None),
    ],
)
def test_a_wait_is_found_in_the_message(message: str, expected_s: float | None) -> None:
    assert wait_in_text_s(message) == (None if expected_s is None else pytest.approx(expected_s))


@given(st.from_regex(r"try again in [0-9.msh ]{0,30}"))
def test_whatever_the_text_says_a_wait_is_a_finite_number_or_none(message: str) -> None:
    found_s = wait_in_text_s(message)
    assert found_s is None or 0.0 <= found_s < float("inf")


def test_a_wait_after_a_long_message_is_found_up_to_a_bound() -> None:
    assert wait_in_text_s("x" * 65_000 + " try again in 7s.") == 7.0
    assert wait_in_text_s("x" * 70_000 + " try again in 7s.") is None
