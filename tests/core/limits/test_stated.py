import pytest

from relayload.core.limits.stated import Stated, limit_headers, share_left, stated


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


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"x-ratelimit-limit-requests": "300", "x-ratelimit-remaining-requests": "30"}, 0.1),
        ({"anthropic-ratelimit-tokens-limit": "50", "anthropic-ratelimit-tokens-remaining": "0"}, 0.0),
        (
            {
                "x-ratelimit-limit-requests": "300",
                "x-ratelimit-remaining-requests": "150",
                "x-ratelimit-limit-tokens": "1000",
                "x-ratelimit-remaining-tokens": "200",
            },
            0.2,
        ),
        ({"x-rate-limit-limit": "10", "x-rate-limit-remaining": "12"}, 1.0),
        ({"x-ratelimit-limit-requests": "300"}, None),
        ({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"}, None),
        ({"date": "now"}, None),
    ],
)
def test_what_is_left_is_the_least_share_of_a_limit(headers, left):
    assert share_left(headers) == left
    assert share_left(limit_headers({**headers, "content-type": "text/plain"})) == left
    assert "content-type" not in limit_headers({**headers, "content-type": "text/plain"})
