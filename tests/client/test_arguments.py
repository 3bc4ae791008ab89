from typing import Any

import pytest

from relayload import RelayClient
from relayload.core.errors import AuthorError
from relayload.core.wire.request import Timeouts


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"driver": "nativ"}, "driver: expected native or openai, got 'nativ'"),
        ({"finish_reason": "never"}, "finish_reason: expected required or optional, got 'never'"),
        (
            {"dialect": "oneapi"},
            "dialect: expected openai or litellm or one-api or apisix or openrouter or anthropic, got 'oneapi'",
        ),
        (
            {"max_tokens_field": "max"},
            "max_tokens_field: expected max_completion_tokens or max_tokens or none, got 'max'",
        ),
        ({"quota": "headers"}, "quota: expected from_headers or a list of Limit, got 'headers'"),
        ({"breaker_scope": "relay"}, "breaker_scope: expected model or endpoint or all, got 'relay'"),
        (
            {"attempt_timeouts": Timeouts(total_s=0)},
            "attempt_timeouts: total_s: expected above 0, or None for no end, got 0",
        ),
        (
            {"attempt_timeouts": Timeouts(gap_s=-1.5)},
            "attempt_timeouts: gap_s: expected above 0, or None for no end, got -1.5",
        ),
        (
            {"attempt_timeouts": 30},
            "attempt_timeouts: expected Timeouts of one attempt, such as Timeouts(total_s=30), got 30;"
            " deadline_s bounds a call",
        ),
        ({"deadline_s": "90s"}, "deadline_s: expected seconds as a number, or None for no end, got '90s'"),
        ({"deadline_s": 0.0}, "deadline_s: expected above 0, or None for no end, got 0"),
    ],
)
def test_a_wrong_argument_is_told_when_the_client_is_made(arguments, told):
    with pytest.raises(AuthorError) as error:
        RelayClient("http://127.0.0.1:1/v1", "sk-test", **arguments)
    assert str(error.value) == told


def test_all_of_them_are_told_at_once():
    wrong: dict[str, Any] = {"driver": "x", "dialect": "y", "deadline_s": -1}
    with pytest.raises(AuthorError) as error:
        RelayClient("http://127.0.0.1:1/v1", "sk-test", **wrong)
    assert len(error.value.faults) == 3


@pytest.mark.parametrize(
    ("base_url", "api_key", "headers", "told"),
    [
        (
            "http://127.0.0.1:1/v1",
            None,
            None,
            "api_key: expected text, got None: is the environment variable set that it comes from?",
        ),
        ("http://127.0.0.1:1/v1", b"sk-test", None, "api_key: expected text, got bytes"),
        ("http://127.0.0.1:1/v1", "", None, "api_key: is empty: check the variable it comes from"),
        ("http://127.0.0.1:1/v1", "Bearer sk-test", None, "api_key: leave out 'Bearer': it is put before every key"),
        (
            None,
            "sk-test",
            None,
            "base_url: expected text, got None: is the environment variable set that it comes from?",
        ),
        (
            "http://127.0.0.1:1/v1",
            "sk-test",
            {"X-Team": None},
            "headers: X-Team: expected text, got None: is the environment variable set that it comes from?",
        ),
    ],
)
def test_what_comes_of_a_variable_that_is_not_set_is_told_when_the_client_is_made(base_url, api_key, headers, told):
    with pytest.raises(AuthorError) as error:
        RelayClient(base_url, api_key, headers=headers)
    assert str(error.value) == told
