import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.asked_wait import Remaining, asked_wait_s, remaining
from relayload.fakerelay.dialects.answers import go_duration

WALL_S = 1_795_481_212.0
"""Tue, 24 Nov 2026 00:46:52 GMT."""


def wait_s(headers: dict[str, str], message: str = "", *, limited: bool = True) -> float | None:
    return asked_wait_s(headers, message, limited=limited, wall_s=WALL_S)


@pytest.mark.parametrize(
    ("name", "value", "expected_s"),
    [
        ("retry-after-ms", "1500", 1.5),
        ("retry-after-ms", "0.5", 0.0005),
        ("retry-after", "20", 20.0),
        ("retry-after", " 20 ", 20.0),
        ("retry-after", "1.5", 1.5),
        ("retry-after", ".5", 0.5),
        ("retry-after", "0", 0.0),
        ("retry-after", "1m30.5s", 90.5),
        ("retry-after", "1795481222", 10.0),
        ("retry-after", "Tue, 24 Nov 2026 00:47:02 GMT", 10.0),
        ("retry-after", "Tuesday, 24-Nov-26 00:47:02 GMT", 10.0),
        ("retry-after", "Tue Nov 24 00:47:02 2026", 10.0),
        ("retry-after", "Tue, 24 Nov 2026 00:46:02 GMT", 0.0),
        ("x-ms-retry-after-ms", "250", 0.25),
        ("llm_provider-retry-after-ms", "250", 0.25),
        ("llm_provider-retry-after", "60", 60.0),
        ("x-ratelimit-reset-requests", "120ms", 0.12),
        ("x-ratelimit-reset-requests", "1m30.5s", 90.5),
        ("x-ratelimit-reset-requests", "6m0s", 360.0),
        ("x-ratelimit-reset-requests", "1h0m1s", 3601.0),
        ("x-ratelimit-reset-requests", "23.9s", 23.9),
        ("x-ratelimit-reset-tokens", "7", 7.0),
        ("x-ratelimit-reset-tokens", "0s", 0.0),
        ("x-ratelimit-reset-tokens", "1795481222.5", 10.5),
        ("x-ratelimit-reset", "1795481222500", 10.5),
        ("x-ratelimit-reset", "12", 12.0),
        ("x-ai-ratelimit-reset-gpt", "42", 42.0),
        ("x-tokenratelimit-reset", "42", 42.0),
    ],
)
def test_a_wait_is_read_in_every_form_in_use(name: str, value: str, expected_s: float) -> None:
    assert wait_s({name: value}) == pytest.approx(expected_s)


ORDER = [
    ("retry-after-ms", "1000"),
    ("retry-after", "2"),
    ("x-ms-retry-after-ms", "3000"),
    ("llm_provider-retry-after-ms", "4000"),
    ("llm_provider-retry-after", "5"),
    ("x-ratelimit-reset-requests", "6s"),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_source_that_is_there_counts(first: int) -> None:
    assert wait_s(dict(reversed(ORDER[first:])), "try again in 9s") == first + 1


@pytest.mark.parametrize(
    "garbage", ["", "soon", "-3", "nan", "inf", "1e9", "1_0", "Tue, 99 Foo 2026 00:47:02 GMT", "٣"]
)
def test_garbage_is_as_good_as_not_said(garbage: str) -> None:
    headers = dict.fromkeys([name for name, _ in ORDER], garbage)
    assert wait_s(headers) is None
    assert wait_s(headers | {"llm_provider-retry-after": "5"}) == 5.0


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"x-ratelimit-remaining-requests": "0"}, 30.0),
        ({"x-ratelimit-remaining-requests": "3"}, 30.0),
        ({"x-ratelimit-remaining-tokens": "3"}, 6.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}, 30.0),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-remaining-tokens": "3"}, None),
        ({"x-ratelimit-remaining-requests": "?", "x-ratelimit-remaining-tokens": "3"}, 6.0),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-remaining-tokens": "-1"}, 30.0),
        ({}, 30.0),
    ],
)
def test_only_a_limit_that_may_be_used_up_is_waited_for(headers: dict[str, str], expected_s: float | None) -> None:
    resets = {"x-ratelimit-reset-requests": "6s", "x-ratelimit-reset-tokens": "30s"}
    assert wait_s(resets | headers) == expected_s


def test_the_state_of_limits_is_no_wait_for_whom_they_did_not_refuse() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6s"}
    assert wait_s(headers, limited=False) is None
    assert wait_s(headers | {"retry-after": "2"}, limited=False) == 2.0


def test_dates_cannot_be_read_without_the_wall_clock() -> None:
    for value in ("Tue, 24 Nov 2026 00:47:02 GMT", "1795481222"):
        assert asked_wait_s({"retry-after": value}, limited=True, wall_s=None) is None


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
        ("try again in a moment", None),
        ("try again in 5 sausages", None),
        ("try again in 5", None),
        ("you have 5 seconds", None),
        ("", None),
    ],
)
def test_a_wait_is_found_in_the_message(message: str, expected_s: float | None) -> None:
    assert wait_s({}, message) == (None if expected_s is None else pytest.approx(expected_s))


@given(st.floats(0.001, 100_000))
def test_what_go_prints_is_read_back(seconds: float) -> None:
    assert wait_s({"x-ratelimit-reset-requests": go_duration(seconds)}) == pytest.approx(seconds, abs=0.001)


TEXTS = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[A-Z][a-z]{2}, ?[0-9]{1,3}[ -][A-Z][a-z]{2}[ -][0-9]{1,6} [0-9:+]{1,12}( [A-Z+0-9-]{0,6})?"),
    st.from_regex(r"try again in [0-9.msh ]{0,30}"),
    st.from_regex(r"[0-9]{1,30}(ms|s|m|h|µs)?"),
)


@given(st.dictionaries(st.sampled_from([name for name, _ in ORDER]), TEXTS), TEXTS)
def test_whatever_a_relay_says_a_wait_is_a_finite_number_or_none(headers: dict[str, str], message: str) -> None:
    found_s = wait_s(headers, message)
    assert found_s is None or 0.0 <= found_s < float("inf")
    assert remaining(headers, WALL_S) is None or headers


def test_what_is_left_of_the_limits_is_read() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-remaining-tokens": "29980",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert remaining(headers, WALL_S) == Remaining(499, 0.12, 29_980, 360.0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-ratelimit-limit-requests": "500"}, None),
        ({"x-ratelimit-remaining-requests": "4"}, Remaining(requests=4)),
        ({"x-ratelimit-remaining-requests": "-4"}, Remaining(requests=0)),
        ({"x-ratelimit-remaining-requests": "many", "x-ratelimit-remaining-tokens": "7"}, Remaining(tokens=7)),
    ],
)
def test_what_is_not_told_of_the_limits_is_none(headers: dict[str, str], expected: Remaining | None) -> None:
    assert remaining(headers, WALL_S) == expected
