import pytest

from relayload.core.resilience.rate_limit_field import Allowed, allowances


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('"default";r=0;t=30', [Allowed(0, 30, False)]),
        ("default; r=0; t=30", [Allowed(0, 30, False)]),
        ('"a, b; r=9";r=1', [Allowed(1, None, False)]),
        ('"it\\"s";r=1;t=2', [Allowed(1, 2, False)]),
        ('"tokens-per-minute";r=100;t=2', [Allowed(100, 2, True)]),
        ('"a";t=30, "b";r=-1, "c";r=x, "d";r=5;t=y', [Allowed(5, None, False)]),
        ("limit=100, remaining=50, reset=7", [Allowed(50, 7, False)]),
        ("limit=100;w=60, remaining=0, reset=7", [Allowed(0, 7, False)]),
        ('"unterminated;r=0;t=3', [Allowed(0, 3, False)]),
        (";;==,,", []),
        ('"a";r=' + "9" * 15, [Allowed(999_999_999_999_999, None, False)]),
        ('"a";r=' + "9" * 16, []),
        ('"a";r=' + "9" * 500, []),
        ('"\\' * 50_000, []),
        ("", []),
    ],
)
def test_the_field_is_read_in_the_shapes_of_all_drafts(field: str, expected: list[Allowed]) -> None:
    assert list(allowances({"ratelimit": field})) == expected


def test_older_drafts_have_three_headers() -> None:
    headers = {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "12"}
    assert allowances(headers) == (Allowed(0, 12, False),)
    assert allowances({}) == ()
