import json

import pytest

from relayload.fakerelay.dialects import DIALECTS, DialectName, Hints
from relayload.fakerelay.dialects.answers import go_duration, hint_headers
from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

NOW = Occurrence("req_fake01", 1_700_000_000.0)
REQUESTS = Standing(Metric.REQUESTS, "key", limit=5, window_s=60.0, remaining=0, reset_s=42.5, wait_s=11.87)
OF_MODEL = Standing(Metric.REQUESTS, "model", limit=5, window_s=60.0, remaining=0, reset_s=42.5, wait_s=11.87)
TOKENS = Standing(Metric.TOKENS, "key", limit=1000, window_s=60.0, remaining=80, reset_s=42.5, wait_s=0.5)
CONCURRENT = Standing(Metric.CONCURRENT, "key", limit=2, window_s=0.0, remaining=0, reset_s=0.0, wait_s=None)


def answer(dialect: DialectName, refusal: Refusal):
    return DIALECTS[dialect].error_answer(refusal, NOW)


def limited(dialect: DialectName, standing: Standing):
    return answer(dialect, Refusal(Reason.LIMITED, model="o3", standing=standing))


def test_openai_names_the_limit_and_the_wait():
    told = limited("openai", REQUESTS)
    assert (told.status, told.headers) == (429, b"content-type: application/json\r\n")
    assert json.loads(told.body) == {
        "error": {
            "message": "Rate limit reached for o3 in organization org-fake on requests per min (RPM): "
            "Limit 5, Used 5. Please try again in 11.87s.",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }
    message = json.loads(limited("openai", TOKENS).body)["error"]["message"]
    assert message.endswith("on tokens per min (TPM): Limit 1000, Used 920. Please try again in 500ms.")
    assert json.loads(limited("openai", CONCURRENT).body)["error"]["message"].endswith("Limit 2, Used 2.")


def test_litellm_tells_a_key_a_constant_wait_and_an_instant():
    told = limited("litellm", REQUESTS)
    assert told.status == 429
    assert told.headers == (
        b"content-type: application/json\r\nretry-after: 60\r\nrate_limit_type: requests\r\n"
        b"reset_at: 2023-11-14 22:14:20 UTC\r\n"
    )
    assert json.loads(told.body)["error"] == {
        "message": "Rate limit exceeded for api_key: fake. Limit type: requests. Current limit: 5, Remaining: 0. "
        "Limit resets at: 2023-11-14 22:14:20 UTC",
        "type": "None",
        "param": "None",
        "code": "429",
    }
    assert b"rate_limit_type: max_parallel_requests\r\n" in limited("litellm", CONCURRENT).headers


def test_litellm_hides_the_wait_of_a_model_under_a_name_of_its_own():
    told = limited("litellm", OF_MODEL)
    assert told.headers == b"content-type: application/json\r\nllm_provider-retry-after: 60\r\n"
    assert json.loads(told.body)["error"]["message"] == "Model rate limit exceeded. RPM limit=5, current usage=5"
    assert json.loads(told.body)["error"]["type"] == "throttling_error"


def test_one_api_says_nothing_to_a_key_and_that_it_is_busy_to_a_model():
    told = limited("one-api", REQUESTS)
    assert (told.status, told.headers, told.body) == (429, b"", b"")
    told = limited("one-api", OF_MODEL)
    assert json.loads(told.body) == {
        "error": {
            "message": "当前分组上游负载已饱和，请稍后再试 (request id: req_fake01)",
            "type": "one_api_error",
        }
    }


def test_one_api_calls_an_unknown_model_an_outage():
    told = answer("one-api", Refusal(Reason.UNKNOWN_MODEL, "no such model", model="o9"))
    assert told.status == 503
    assert "对于模型 o9 无可用渠道" in json.loads(told.body)["error"]["message"]


def test_apisix_rejects_with_503_and_the_page_of_its_server():
    told = limited("apisix", TOKENS)
    assert told.status == 503
    assert told.headers == (
        b"content-type: text/html\r\nX-AI-RateLimit-Limit-fake: 1000\r\nX-AI-RateLimit-Remaining-fake: 80\r\n"
        b"X-AI-RateLimit-Reset-fake: 43\r\n"
    )
    assert b"<h1>503 Service Temporarily Unavailable</h1>" in told.body
    assert b"X-RateLimit-Limit: 5\r\n" in limited("apisix", REQUESTS).headers
    assert limited("apisix", CONCURRENT).headers == b"content-type: text/html\r\n"


def test_openrouter_puts_the_headers_into_the_body():
    told = limited("openrouter", REQUESTS)
    assert told.status == 429
    assert json.loads(told.body) == {
        "error": {
            "message": "Rate limit exceeded: requests-per-key",
            "code": 429,
            "metadata": {
                "headers": {
                    "X-RateLimit-Limit": "5",
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": "1700000042500",
                }
            },
        }
    }


@pytest.mark.parametrize(
    ("dialect", "reason", "status"),
    [
        ("openai", Reason.WRONG_KEY, 401),
        ("openai", Reason.UNKNOWN_MODEL, 404),
        ("litellm", Reason.WRONG_KEY, 401),
        ("litellm", Reason.UNKNOWN_MODEL, 400),
        ("one-api", Reason.WRONG_KEY, 401),
        ("apisix", Reason.WRONG_KEY, 401),
        ("apisix", Reason.UNKNOWN_MODEL, 404),
        ("openrouter", Reason.WRONG_KEY, 401),
        ("openrouter", Reason.UNKNOWN_MODEL, 400),
    ],
)
def test_status_of_refusals(dialect, reason, status):
    assert answer(dialect, Refusal(reason, "no", model="o9")).status == status


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.LIMITED])
def test_every_dialect_has_words_for_every_reason(dialect, reason):
    told = answer(dialect, Refusal(reason, "because", param="p", model="o9"))
    assert 400 <= told.status <= 599
    assert told.body
    if b"json" in told.headers:
        assert isinstance(json.loads(told.body), dict)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_failure_has_the_status_it_was_given(dialect):
    assert answer(dialect, Refusal(Reason.FAILED, status=529)).status == 529
    assert answer(dialect, Refusal(Reason.OVERLOADED)).status == (529 if dialect == "anthropic" else 503)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_error_in_a_stream_has_an_error_key(dialect):
    assert "error" in DIALECTS[dialect].error_event


def test_hints_tell_the_exact_wait_and_what_is_left():
    hints = Hints(retry_after=True, retry_after_ms=True, ratelimit=True)
    assert hint_headers(hints, [REQUESTS, TOKENS, CONCURRENT], REQUESTS) == (
        b"retry-after: 12\r\nretry-after-ms: 11870\r\n"
        b"x-ratelimit-limit-requests: 5\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 42.5s\r\n"
        b"x-ratelimit-limit-tokens: 1000\r\nx-ratelimit-remaining-tokens: 80\r\nx-ratelimit-reset-tokens: 42.5s\r\n"
    )
    assert hint_headers(hints, [], CONCURRENT) == b""
    assert hint_headers(Hints(), [REQUESTS], REQUESTS) == b""


def test_of_two_limits_the_tighter_one_is_told():
    assert b"remaining-requests: 0" in hint_headers(
        Hints(ratelimit=True), [Standing(Metric.REQUESTS, "key", 100, 1.0, 50, 0.5), REQUESTS]
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.001, "1ms"), (0.12, "120ms"), (1.0, "1s"), (23.9, "23.9s"), (360.0, "6m0s"), (3661.5, "1h1m1.5s")],
)
def test_durations_look_like_those_of_go(seconds, text):
    assert go_duration(seconds) == text
