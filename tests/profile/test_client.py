"""The `client:` of a profile, as the policy that it asks for."""

from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.core.model.record import FailureKind
from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.limit import Limit, Unit
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.resilience.retry import RetryPolicy
from relayload.core.wire.response_limits import ResponseLimits
from relayload.profile import Profile, load

PROFILE = """
name: chat
target: {dialect: %s}
load: {kind: open, stages: [{for: 10s, rate: 1/s}]}
scenarios: {simple: {model: o3, prompt: simple}}
%s
"""


def read(tmp_path: Path, client: str, dialect: str = "openai") -> Profile:
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE % (dialect, f"client: {client}" if client else ""))
    return load(path)


def policy(tmp_path: Path, client: str, dialect: str = "openai") -> ClientPolicy:
    profile = read(tmp_path, client, dialect)
    return profile.client_policy(profile.target)


@pytest.mark.parametrize("client", ["", "{}", "{timeout: 30s}"])
def test_without_being_told_the_client_only_measures(tmp_path: Path, client: str) -> None:
    plain = policy(tmp_path, client)
    assert (plain.retry, plain.limits, plain.deadline_s) == (None, (), None)
    assert not plain.breaker.enforce


def test_retries_are_read(tmp_path: Path) -> None:
    told = policy(
        tmp_path,
        "{retry: {attempts: 4, backoff: 200ms, rate_limited_backoff: 2s, max_backoff: 20s, jitter: equal,"
        " max_retry_after: 5m, on: [429, 5xx, timeout, connect], budget: {share: 10%, minimum: 1}}, deadline: 90s}",
    )
    retry = told.retry
    assert retry is not None
    assert (retry.attempts, retry.backoff_s, retry.rate_limited_backoff_s, retry.max_backoff_s) == (4, 0.2, 2.0, 20.0)
    assert (retry.jitter, retry.max_retry_after_s, told.deadline_s) == ("equal", 300.0, 90.0)
    assert (retry.budget_share, retry.budget_minimum) == (0.1, 1)
    assert retry.retried.covers(FailureKind.TIMED_OUT, AttemptSignals(failure="first_token_timeout"))
    assert not retry.retried.covers(FailureKind.BROKEN_STREAM, AttemptSignals(status=200, failure="no_finish"))


RENAMED = [
    ("retry", "throttled_backoff", "rate_limited_backoff", "5s"),
    ("retry", "max_asked", "max_retry_after", "5s"),
    ("breaker", "forget_after", "reset_after", "5s"),
    ("breaker", "trials", "half_open_calls", "5"),
]


@pytest.mark.parametrize(("part", "old", "new", "value"), RENAMED)
def test_a_key_by_its_old_name_means_the_same_and_is_warned_of(
    tmp_path: Path, part: str, old: str, new: str, value: str
) -> None:
    before = read(tmp_path, f"{{{part}: {{{old}: {value}}}}}")
    now = read(tmp_path, f"{{{part}: {{{new}: {value}}}}}")
    assert before.client == now.client
    assert before.client != read(tmp_path, f"{{{part}: {{}}}}").client
    assert before.sha256 == now.sha256
    assert [str(caution) for caution in before.cautions] == [
        f"{tmp_path / 'p.yaml'}:6:{13 + len(part)}: client.{part}.{old}: "
        f"warning: '{old}' is now '{new}': the next version drops the old name"
    ]
    assert now.cautions == ()


@pytest.mark.parametrize(("part", "old", "new", "value"), RENAMED)
def test_a_key_by_both_names_is_a_fault(tmp_path: Path, part: str, old: str, new: str, value: str) -> None:
    with pytest.raises(AuthorError) as caught:
        read(tmp_path, f"{{{part}: {{{new}: {value}, {old}: {value}}}}}")
    (fault,) = caught.value.faults
    assert (fault.path, fault.message) == (
        f"client.{part}.{old}",
        f"is the old name of '{new}', which is given, too: leave out '{old}'",
    )


def test_what_is_wrong_by_an_old_name_is_told_by_it(tmp_path: Path) -> None:
    with pytest.raises(AuthorError) as caught:
        read(tmp_path, "{retry: {max_asked: 5}, breaker: {trials: 0}}")
    assert [fault.path for fault in caught.value.faults] == ["client.retry.max_asked", "client.breaker.trials"]


def test_an_old_name_may_be_set(tmp_path: Path) -> None:
    read(tmp_path, "{retry: {max_retry_after: 60s}}")
    profile = load(tmp_path / "p.yaml", ["client.retry.max_asked=5s"])
    assert profile.client is not None
    assert profile.client.retry is not None
    assert profile.client.retry.max_retry_after_s == 5.0
    assert [caution.path for caution in profile.cautions] == ["client.retry.max_asked"]


def test_retries_have_a_budget_unless_told_otherwise(tmp_path: Path) -> None:
    assert policy(tmp_path, "{retry: {}}").retry == RetryPolicy()
    assert policy(tmp_path, "{retry: {budget: null}}").retry == RetryPolicy(budget_share=None)


@pytest.mark.parametrize(
    ("quota", "limits"),
    [
        ("{requests: 10/s}", (Limit(10, 1.0),)),
        ("{requests: [10/s, 60/min]}", (Limit(10, 1.0), Limit(60, 60.0))),
        ("{requests: {limit: 60/min, burst: 10}}", (Limit(60, 60.0, burst=10),)),
        ("{tokens: 200k/min}", (Limit(200_000, 60.0, Unit.TOKENS),)),
        ("{requests: [1_000/h], tokens: [1M/min]}", (Limit(1000, 3600.0), Limit(1_000_000, 60.0, Unit.TOKENS))),
    ],
)
def test_quotas_are_read(tmp_path: Path, quota: str, limits: tuple[Limit, ...]) -> None:
    assert policy(tmp_path, f"{{quota: {quota}}}").limits == limits


def test_a_quota_may_follow_the_relay(tmp_path: Path) -> None:
    told = policy(tmp_path, "{quota: from_headers}")
    assert (told.quota_from_headers, told.limits) == (True, ())


def test_a_breaker_that_is_written_acts(tmp_path: Path) -> None:
    told = policy(
        tmp_path,
        "{breaker: {scope: all, failure_rate: 30%, consecutive: 5, window_requests: 50, min_requests: 10, open_for: 5s,"
        " slow_rate: 80%, slow_ttft: 2s, half_open_calls: 2, count: [429, 5xx]}}",
    )
    breaker = told.breaker
    assert (breaker.enforce, told.breaker_scope, breaker.failure_rate, breaker.consecutive) == (True, Scope.ALL, 0.3, 5)
    assert (breaker.window_calls, breaker.min_calls, breaker.open_for_s, breaker.half_open_calls) == (50, 10, 5.0, 2)
    assert breaker.slow(3.0, None)
    assert told.counted.covers(FailureKind.RATE_LIMITED, AttemptSignals(status=429, failure="http_429"))


def test_a_breaker_may_only_watch(tmp_path: Path) -> None:
    assert not policy(tmp_path, "{breaker: {enforce: false}}").breaker.enforce


def test_failures_mean_what_the_rules_and_the_dialect_say(tmp_path: Path) -> None:
    told = policy(tmp_path, "{rules: [{status: 503, message: warming, is: rate_limited}]}", dialect="one-api")
    assert (
        told.classifier.classify(AttemptSignals(503, "http_503", message="still warming up"))
        is FailureKind.RATE_LIMITED
    )
    assert told.classifier.classify(AttemptSignals(503, "http_503", message="无可用渠道")) is FailureKind.BAD_REQUEST


def test_a_rule_may_name_what_happened_on_the_wire_and_how_an_answer_ended(tmp_path: Path) -> None:
    told = policy(
        tmp_path,
        "{rules: [{failure: [no_finish, truncated], is: overloaded}, {finish_reason: refused, is: content_filtered}]}",
    )
    assert told.classifier.classify(AttemptSignals(200, "no_finish")) is FailureKind.OVERLOADED
    assert told.classifier.classify(AttemptSignals(200, "reset")) is FailureKind.BROKEN_STREAM
    assert told.classifier.classify(AttemptSignals(200, finish_reason="refused")) is FailureKind.CONTENT_FILTERED


def test_what_is_read_of_an_answer_is_bounded_and_can_be_bounded_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path, "").response_limits == ResponseLimits()
    told = read(
        tmp_path,
        "{response_limits: {header: 8kB, headers: 50, interim: 2, body: 1MB, stream: 2MB, event: 64KiB, inflated: 3MB,"
        " inflate_ratio: 20, nesting: 10, values: 5000, buffered: 4MB}}",
    )
    assert told.response_limits == ResponseLimits(
        8_000, 50, 2, 1_000_000, 2_000_000, 65_536, 3_000_000, 20.0, 10, 5000, 4_000_000
    )


@pytest.mark.parametrize(
    ("client", "fault"),
    [
        ("{retry: {on: [teapot]}}", "client.retry.on.0: expected a status such as 503 or 5xx"),
        ("{response_limits: {body: 5}}", "client.response_limits.body: expected a size such as '64kB'"),
        ("{response_limits: {inflate_ratio: 0.5}}", "client.response_limits.inflate_ratio: "),
        ("{retry: {attempts: 0}}", "client.retry.attempts: "),
        ("{quota: {requests: 10}}", "client.quota.requests: expected a limit such as '10/s'"),
        ("{quota: {requests: 0/s}}", "client.quota.requests: expected a limit such as '10/s'"),
        ("{quota: {}}", "client.quota: expected requests, tokens or both"),
        ("{quota: headers}", "client.quota: "),
        ("{breaker: {slow_rate: 50%}}", "client.breaker: slow_rate needs slow_ttft or slow_latency"),
        ("{breaker: {window_requests: 5}}", "client.breaker: "),
        ("{breaker: {scope: host}}", "client.breaker.scope: "),
        ("{rules: [{is: overloaded}]}", "client.rules.0: expected at least one of status"),
        ("{rules: [{status: 503, is: bad}]}", "client.rules.0: expected one of "),
        ("{rules: [{failure: no_finsh, is: overloaded}]}", "client.rules.0.failure: unknown failure 'no_finsh'; "),
        ("{rules: [{message: '(', is: overloaded}]}", "client.rules.0: expected a regular expression"),
    ],
)
def test_what_makes_no_sense_is_a_fault_in_its_place(tmp_path: Path, client: str, fault: str) -> None:
    with pytest.raises(AuthorError) as raised:
        read(tmp_path, client)
    assert fault in str(raised.value)
    assert str(raised.value).count("\n") == 0
