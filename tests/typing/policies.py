"""Every policy, as an application writes it."""

from relayload import BreakerPolicy, Limit, RelayClient, RetryPolicy, Rule, Timeouts

ACTING = RelayClient(
    "http://127.0.0.1:8600/v1",
    "sk-fake",
    attempt_timeouts=Timeouts(connect_s=2, first_token_s=10, total_s=None),
    deadline_s=90,
    retry=RetryPolicy(attempts=5, jitter="equal", budget_share=None).on(429, "5xx", "timeout"),
    breaker=BreakerPolicy(consecutive=None, slow_rate=0.5, slow_ttft_s=2.0),
    breaker_scope="endpoint",
    quota=[Limit(10, per_s=1), Limit.tokens(200_000, per_s=60)],
    rules=[Rule.of("rate_limited", status=[503, "52x"], message="warming up")],
)
MEASURING = RelayClient("http://127.0.0.1:8600/v1", "sk-fake", retry=None, breaker=None, quota="from_headers")
