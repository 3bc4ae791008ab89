import pytest

from relayload.core.model.record import FailureKind, Outcome
from relayload.core.resilience.classify import AttemptSignals, rule
from relayload.core.resilience.dialects import (
    DIALECTS,
    FAILURES,
    NEVER_SENT,
    OWN_FAULTS,
    TIMEOUTS,
    DialectName,
    classifier,
    kind_of_status,
)
from relayload.core.wire.answers import AnswerFlaw
from relayload.core.wire.faults import fault_of_body, fault_of_error
from relayload.core.wire.stream import StreamFlaw
from relayload.fakerelay.dialects import DIALECTS as IMITATED
from relayload.fakerelay.dialects import ErrorAnswer
from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal
from relayload.transport.failures import OUTCOMES, Failure


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, FailureKind.OK),
        (204, FailureKind.OK),
        (302, FailureKind.BAD_REQUEST),
        (400, FailureKind.BAD_REQUEST),
        (401, FailureKind.AUTH),
        (402, FailureKind.QUOTA_EXHAUSTED),
        (403, FailureKind.AUTH),
        (404, FailureKind.BAD_REQUEST),
        (405, FailureKind.BAD_REQUEST),
        (408, FailureKind.TIMED_OUT),
        (409, FailureKind.BAD_REQUEST),
        (413, FailureKind.BAD_REQUEST),
        (422, FailureKind.BAD_REQUEST),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.SERVER_ERROR),
        (501, FailureKind.BAD_REQUEST),
        (502, FailureKind.SERVER_ERROR),
        (503, FailureKind.OVERLOADED),
        (504, FailureKind.TIMED_OUT),
        (520, FailureKind.SERVER_ERROR),
        (522, FailureKind.TIMED_OUT),
        (524, FailureKind.TIMED_OUT),
        (529, FailureKind.OVERLOADED),
    ],
)
def test_a_status_alone_names_a_kind(status: int, kind: FailureKind) -> None:
    assert kind_of_status(status) is kind


KINDS_OF_OUTCOMES = {
    Outcome.UNREACHABLE: FailureKind.UNREACHABLE,
    Outcome.BROKEN_STREAM: FailureKind.BROKEN_STREAM,
    Outcome.TIMED_OUT: FailureKind.TIMED_OUT,
    Outcome.CANCELLED: FailureKind.CANCELLED,
    Outcome.SERVER_ERROR: FailureKind.SERVER_ERROR,
}


@pytest.mark.parametrize(("failure", "outcome"), OUTCOMES.items())
def test_every_failure_of_the_wire_has_the_kind_of_its_outcome(
    failure: Failure | AnswerFlaw | StreamFlaw, outcome: Outcome
) -> None:
    assert failure.value in FAILURES
    for status in (None, 200):
        signals = AttemptSignals(status=status, failure=failure.value)
        assert classifier().classify(signals) is KINDS_OF_OUTCOMES[outcome]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_key_that_litellm_refuses_without_a_database_is_known_in_every_dialect(dialect: DialectName) -> None:
    body = b'{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}'
    fault = fault_of_body(body)
    assert classifier(dialect).classify(AttemptSignals(400, type=fault.type, code=fault.code)) is FailureKind.AUTH


def test_the_named_groups_of_failures_exist_on_the_wire() -> None:
    names = {failure.value for failure in OUTCOMES}
    assert names == FAILURES
    assert names > TIMEOUTS | NEVER_SENT
    assert NEVER_SENT > OWN_FAULTS


@pytest.mark.parametrize(
    ("signals", "kind"),
    [
        (AttemptSignals(status=429, code="insufficient_quota", type="insufficient_quota"), FailureKind.QUOTA_EXHAUSTED),
        (AttemptSignals(status=429, type="insufficient_quota"), FailureKind.QUOTA_EXHAUSTED),
        (AttemptSignals(status=429, code="rate_limit_exceeded", type="tokens"), FailureKind.RATE_LIMITED),
        (AttemptSignals(status=429, type="throttling_error", code="429"), FailureKind.RATE_LIMITED),
        (AttemptSignals(status=429, type="budget_exceeded"), FailureKind.QUOTA_EXHAUSTED),
        (AttemptSignals(status=403, code="insufficient_user_quota", type="one_api_error"), FailureKind.QUOTA_EXHAUSTED),
        (AttemptSignals(status=403, code="pre_consume_token_quota_failed"), FailureKind.QUOTA_EXHAUSTED),
        (AttemptSignals(status=500, type="overloaded_error"), FailureKind.OVERLOADED),
        (AttemptSignals(status=503, code="slow_down"), FailureKind.OVERLOADED),
        (AttemptSignals(status=503, code="model_not_found"), FailureKind.BAD_REQUEST),
        (AttemptSignals(status=500, code="context_length_exceeded"), FailureKind.BAD_REQUEST),
        (AttemptSignals(status=400, code="content_filter"), FailureKind.CONTENT_FILTERED),
        (AttemptSignals(status=400, code="content_policy_violation"), FailureKind.CONTENT_FILTERED),
        (AttemptSignals(status=401, code="invalid_api_key", type="invalid_request_error"), FailureKind.AUTH),
        (AttemptSignals(status=401, type="invalid_request_error"), FailureKind.AUTH),
        (AttemptSignals(status=200, finish_reason="content_filter"), FailureKind.CONTENT_FILTERED),
        (AttemptSignals(status=200, finish_reason="error"), FailureKind.SERVER_ERROR),
        (AttemptSignals(status=200, finish_reason="length"), FailureKind.OK),
        (AttemptSignals(status=200, finish_reason="stop", failure="truncated"), FailureKind.BROKEN_STREAM),
        (AttemptSignals(status=200, failure="no_finish"), FailureKind.BROKEN_STREAM),
        (AttemptSignals(status=200, failure="cancelled", finish_reason="content_filter"), FailureKind.CANCELLED),
        (AttemptSignals(status=429, failure="truncated"), FailureKind.RATE_LIMITED),
        (AttemptSignals(status=502, failure="total_timeout"), FailureKind.SERVER_ERROR),
    ],
)
def test_what_an_error_is_called_says_more_than_its_status(signals: AttemptSignals, kind: FailureKind) -> None:
    assert classifier().classify(signals) is kind


@pytest.mark.parametrize("failure", ["error_body", "error_event"])
@pytest.mark.parametrize(
    ("code", "type_", "kind"),
    [
        ("429", None, FailureKind.RATE_LIMITED),
        ("500", None, FailureKind.SERVER_ERROR),
        ("503", None, FailureKind.OVERLOADED),
        ("400", None, FailureKind.BAD_REQUEST),
        ("insufficient_quota", None, FailureKind.QUOTA_EXHAUSTED),
        ("rate_limit_exceeded", "requests", FailureKind.RATE_LIMITED),
        (None, "overloaded_error", FailureKind.OVERLOADED),
        (None, "rate_limit_error", FailureKind.RATE_LIMITED),
        (None, "invalid_request_error", FailureKind.BAD_REQUEST),
        (None, "permission_error", FailureKind.AUTH),
        (None, "timeout_error", FailureKind.TIMED_OUT),
        (None, "server_error", FailureKind.SERVER_ERROR),
        (None, None, FailureKind.SERVER_ERROR),
    ],
)
def test_an_error_inside_a_200_is_judged_by_what_it_is_called(
    failure: str, code: str | None, type_: str | None, kind: FailureKind
) -> None:
    assert classifier().classify(AttemptSignals(status=200, failure=failure, code=code, type=type_)) is kind


QUOTA_OF_OPENAI = (
    "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan"
)


@pytest.mark.parametrize(
    ("dialect", "signals", "kind", "otherwise"),
    [
        (
            "litellm",
            AttemptSignals(status=429, type="throttling_error", code="429", message=QUOTA_OF_OPENAI),
            FailureKind.QUOTA_EXHAUSTED,
            FailureKind.RATE_LIMITED,
        ),
        (
            "litellm",
            AttemptSignals(status=429, message="litellm.RateLimitError: {'code': 'insufficient_quota'}"),
            FailureKind.QUOTA_EXHAUSTED,
            FailureKind.RATE_LIMITED,
        ),
        (
            "litellm",
            AttemptSignals(status=400, message="Budget has been exceeded! Current cost: 2.1, Max budget: 2.0"),
            FailureKind.QUOTA_EXHAUSTED,
            FailureKind.BAD_REQUEST,
        ),
        (
            "one-api",
            AttemptSignals(status=503, message="当前分组 default 下对于模型 o9 无可用渠道 (request id: 7)"),
            FailureKind.BAD_REQUEST,
            FailureKind.OVERLOADED,
        ),
        (
            "one-api",
            AttemptSignals(status=401, message="该令牌额度已用尽"),
            FailureKind.QUOTA_EXHAUSTED,
            FailureKind.AUTH,
        ),
        (
            "apisix",
            AttemptSignals(status=503, headers={"x-ai-ratelimit-remaining-gpt": "0"}),
            FailureKind.RATE_LIMITED,
            FailureKind.OVERLOADED,
        ),
        (
            "apisix",
            AttemptSignals(status=503, headers={"x-ratelimit-remaining": "0"}),
            FailureKind.RATE_LIMITED,
            FailureKind.OVERLOADED,
        ),
        (
            "openrouter",
            AttemptSignals(status=402, headers={"retry-after": "2"}),
            FailureKind.RATE_LIMITED,
            FailureKind.QUOTA_EXHAUSTED,
        ),
        (
            "openrouter",
            AttemptSignals(status=403, message="Input was flagged"),
            FailureKind.CONTENT_FILTERED,
            FailureKind.AUTH,
        ),
    ],
)
def test_a_dialect_knows_what_its_relay_means(
    dialect: DialectName, signals: AttemptSignals, kind: FailureKind, otherwise: FailureKind
) -> None:
    assert classifier(dialect).classify(signals) is kind
    assert classifier().classify(signals) is otherwise


def test_the_rules_of_a_target_come_before_those_of_its_dialect() -> None:
    own = classifier("one-api", [rule("overloaded", status=503, message="无可用渠道")])
    assert own.classify(AttemptSignals(status=503, message="无可用渠道")) is FailureKind.OVERLOADED


def test_every_relay_that_is_imitated_has_a_dialect() -> None:
    assert set(DIALECTS) == set(IMITATED)


def signals_of(answer: ErrorAnswer) -> AttemptSignals:
    lines = (line.partition(": ") for line in answer.headers.decode().splitlines())
    fault = fault_of_body(answer.body)
    return AttemptSignals(
        status=answer.status,
        failure=f"http_{answer.status}",
        code=fault.code,
        type=fault.type,
        message=fault.message,
        headers={name.lower(): value for name, _, value in lines},
    )


def limited(metric: Metric, per: str) -> Refusal:
    standing = Standing(metric, per, limit=5, window_s=60.0, remaining=0, reset_s=12.0, wait_s=3.0)
    return Refusal(Reason.LIMITED, model="o3", standing=standing)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(Reason.BAD_JSON, "not JSON"), FailureKind.BAD_REQUEST),
        (Refusal(Reason.BAD_VALUE, "no such value", param="n"), FailureKind.BAD_REQUEST),
        (Refusal(Reason.TOO_LARGE, "too large"), FailureKind.BAD_REQUEST),
        (Refusal(Reason.WRONG_KEY, "wrong key"), FailureKind.AUTH),
        (Refusal(Reason.UNKNOWN_MODEL, "unknown", model="o9"), FailureKind.BAD_REQUEST),
        (Refusal(Reason.UNKNOWN_PATH, "unknown"), FailureKind.BAD_REQUEST),
        (Refusal(Reason.WRONG_METHOD, "wrong"), FailureKind.BAD_REQUEST),
        (Refusal(Reason.OVERLOADED), FailureKind.OVERLOADED),
        (Refusal(Reason.FAILED, status=500), FailureKind.SERVER_ERROR),
        (Refusal(Reason.FAILED, status=502), FailureKind.SERVER_ERROR),
        (Refusal(Reason.FAILED, status=503), FailureKind.OVERLOADED),
        (limited(Metric.REQUESTS, "key"), FailureKind.RATE_LIMITED),
        (limited(Metric.TOKENS, "key"), FailureKind.RATE_LIMITED),
        (limited(Metric.REQUESTS, "model"), FailureKind.RATE_LIMITED),
        (limited(Metric.TOKENS, "model"), FailureKind.RATE_LIMITED),
    ],
)
def test_what_the_imitated_relays_send_is_understood(dialect: DialectName, refusal: Refusal, kind: FailureKind) -> None:
    answer = IMITATED[dialect].error_answer(refusal, Occurrence("req-1", wall_s=1_795_481_212.0))
    assert classifier(dialect).classify(signals_of(answer)) is kind


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_breaks_in_mid_stream_is_the_servers_error(dialect: DialectName) -> None:
    fault = fault_of_error(IMITATED[dialect].error_event["error"])
    signals = AttemptSignals(status=200, failure="error_event", code=fault.code, type=fault.type, message=fault.message)
    overloaded = fault.type == "overloaded_error"
    expected = FailureKind.OVERLOADED if overloaded else FailureKind.SERVER_ERROR
    assert classifier(dialect).classify(signals) is expected
