import pytest

from relayload.core.limits.stated import Stated, stated


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            {"x-ratelimit-limit-requests": "300", "x-ratelimit-remaining-requests": "7"},
            [Stated("x-ratelimit-limit-requests", 300, of_tokens=False, remaining=7)],
        ),
        ({"x-ratelimit-limit-tokens": "2000"}, [Stated("x-ratelimit-limit-tokens", 2000, of_tokens=True)]),
        (
            {"anthropic-ratelimit-tokens-limit": "50", "anthropic-ratelimit-tokens-remaining": "1"},
            [Stated("anthropic-ratelimit-tokens-limit", 50, of_tokens=True, remaining=1)],
        ),
        (
            {"x-ai-ratelimit-limit-fake": "50", "x-ai-ratelimit-remaining-fake": "0"},
            [Stated("x-ai-ratelimit-limit-fake", 50, of_tokens=True, remaining=0)],
        ),
        ({"ratelimit-limit": "100, 100;w=60"}, [Stated("ratelimit-limit", 100, of_tokens=False)]),
        ({"x-ratelimit-limit": "many"}, []),
        ({"x-ratelimit-remaining": "3", "x-limit": "4"}, []),
    ],
)
def test_limits_are_read_under_all_their_names(headers, found):
    assert stated(headers) == tuple(found)
