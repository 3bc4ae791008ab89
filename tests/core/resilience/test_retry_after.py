import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.retry_after import Remaining, remaining, retry_after_s
from relayload.fakerelay.dialects.answers import go_duration

WALL_S = 1_795_481_212.0
"""Tue, 24 Nov 2026 00:46:52 GMT."""


def wait_s(headers: dict[str, str], said_s: float | None = None, *, limited: bool = True) -> float | None:
    return retry_after_s(headers, said_s, limited=limited, wall_s=WALL_S)


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
        ("retry-after", "7." + "0" * 98, 7.0),
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
        ("x-rate-limit-reset", "42", 42.0),
        ("retry-after", "2026-11-24T00:47:02Z", 10.0),
        ("retry-after", "2026-11-24T02:17:02.250+01:30", 10.25),
        ("retry-after", "2026-11-24 00:47:02", 10.0),
        ("retry-after", "2026-11-24t00:47:02.123456789z", 10.123456),
        ("retry-after", "2026-11-24T00:46:02Z", 0.0),
        ("anthropic-ratelimit-requests-reset", "2026-11-24T00:47:02Z", 10.0),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T19:47:02-05:00", 10.0),
        ("llm_provider-anthropic-ratelimit-tokens-reset", "2026-11-24T00:47:02Z", 10.0),
        ("x-ratelimit-reset", "Tue, 24 Nov 2026 00:47:02 GMT", 10.0),
        ("ratelimit-reset", "30", 30.0),
        ("ratelimit", '"default";r=0;t=30', 30.0),
    ],
)
def test_a_wait_is_read_in_every_form_in_use(name: str, value: str, expected_s: float) -> None:
    assert wait_s({name: value}) == pytest.approx(expected_s)


def test_no_wait_is_longer_than_a_hundred_characters() -> None:
    assert wait_s({"retry-after": "7." + "0" * 99}) is None


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
    assert wait_s(dict(reversed(ORDER[first:])), 9.0) == first + 1


@pytest.mark.parametrize(
    "garbage",
    [
        "2026-13-01T00:00:00Z",
        "2026-11-24",
        "9" * 100_000,
        "2026-11-24T00:47:02" + "Z" * 99,
        "",
        "soon",
        "-3",
        "nan",
        "inf",
        "1e9",
        "1_0",
        "Tue, 99 Foo 2026 00:47:02 GMT",
        "٣",
    ],
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
    for value in ("Tue, 24 Nov 2026 00:47:02 GMT", "1795481222", "2026-11-24T00:47:02Z"):
        assert retry_after_s({"retry-after": value}, limited=True, wall_s=None) is None


@given(st.floats(0.001, 100_000))
def test_what_go_prints_is_read_back(seconds: float) -> None:
    assert wait_s({"x-ratelimit-reset-requests": go_duration(seconds)}) == pytest.approx(seconds, abs=0.001)


TEXTS = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[A-Z][a-z]{2}, ?[0-9]{1,3}[ -][A-Z][a-z]{2}[ -][0-9]{1,6} [0-9:+]{1,12}( [A-Z+0-9-]{0,6})?"),
    st.from_regex(r'("[a-z]?";(r|t|qu)=[0-9]{1,9}[,;= ]?){1,3}'),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"),
    st.from_regex(r"[0-9]{1,30}(ms|s|m|h|µs)?"),
)


NAMES = [*(name for name, _ in ORDER), "ratelimit", "ratelimit-policy", "anthropic-ratelimit-tokens-reset"]


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS))
def test_whatever_a_relay_says_a_wait_is_a_finite_number_or_none(headers: dict[str, str]) -> None:
    found_s = wait_s(headers)
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


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ratelimit-remaining": "7", "ratelimit-reset": "30"}, Remaining(requests=7, reset_requests_s=30)),
        ({"ratelimit": "limit=100, remaining=7, reset=30"}, Remaining(requests=7, reset_requests_s=30)),
        ({"ratelimit": '"default";r=7;t=30'}, Remaining(requests=7, reset_requests_s=30)),
        ({"ratelimit": '"burst";r=3;t=1, "daily";r=3;t=900'}, Remaining(requests=3, reset_requests_s=900)),
        (
            {"ratelimit": '"a";r=7;t=30,"b";r=500;t=9', "ratelimit-policy": '"a";q=9;w=60,"b";q=900;w=60;qu="tokens"'},
            Remaining(7, 30, 500, 9),
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2026-11-24T00:47:02Z",
                "anthropic-ratelimit-tokens-remaining": "9000",
                "anthropic-ratelimit-tokens-reset": "2026-11-24T00:46:53.5Z",
            },
            Remaining(49, 10.0, 9000, 1.5),
        ),
    ],
)
def test_limits_are_read_in_the_words_of_others_too(headers: dict[str, str], expected: Remaining) -> None:
    assert remaining(headers, WALL_S) == expected


def test_a_policy_with_something_left_is_not_waited_for() -> None:
    assert wait_s({"ratelimit": '"minute";r=0;t=30, "day";r=5;t=9000'}) == 30.0
    assert wait_s({"ratelimit": '"minute";r=4;t=30'}) is None
    assert wait_s({"ratelimit": '"minute";r=0'}) is None
