import pytest

from relayload.core.resilience.classify import Kind, Signs, rule
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
from relayload.core.results.record import Outcome
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
        (200, Kind.OK),
        (204, Kind.OK),
        (302, Kind.BAD_REQUEST),
        (400, Kind.BAD_REQUEST),
        (401, Kind.AUTH),
        (402, Kind.QUOTA_EXHAUSTED),
        (403, Kind.AUTH),
        (404, Kind.BAD_REQUEST),
        (405, Kind.BAD_REQUEST),
        (408, Kind.TIMED_OUT),
        (409, Kind.BAD_REQUEST),
        (413, Kind.BAD_REQUEST),
        (422, Kind.BAD_REQUEST),
        (429, Kind.RATE_LIMITED),
        (500, Kind.SERVER_ERROR),
        (501, Kind.BAD_REQUEST),
        (502, Kind.SERVER_ERROR),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMED_OUT),
        (520, Kind.SERVER_ERROR),
        (522, Kind.TIMED_OUT),
        (524, Kind.TIMED_OUT),
        (529, Kind.OVERLOADED),
    ],
)
def test_a_status_alone_names_a_kind(status: int, kind: Kind) -> None:
    assert kind_of_status(status) is kind


KINDS_OF_OUTCOMES = {
    Outcome.UNREACHABLE: Kind.UNREACHABLE,
    Outcome.BROKEN_STREAM: Kind.BROKEN_STREAM,
    Outcome.TIMED_OUT: Kind.TIMED_OUT,
    Outcome.CANCELLED: Kind.CANCELLED,
    Outcome.SERVER_ERROR: Kind.SERVER_ERROR,
}


@pytest.mark.parametrize(("failure", "outcome"), OUTCOMES.items())
def test_every_failure_of_the_wire_has_the_kind_of_its_outcome(
    failure: Failure | AnswerFlaw | StreamFlaw, outcome: Outcome
) -> None:
    assert failure.value in FAILURES
    for status in (None, 200):
        signs = Signs(status=status, failure=failure.value)
        assert classifier().classify(signs) is KINDS_OF_OUTCOMES[outcome]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_key_that_litellm_refuses_without_a_database_is_known_in_every_dialect(dialect: DialectName) -> None:
    body = b'{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}'
    fault = fault_of_body(body)
    assert classifier(dialect).classify(Signs(400, type=fault.type, code=fault.code)) is Kind.AUTH


def test_the_named_groups_of_failures_exist_on_the_wire() -> None:
    names = {failure.value for failure in OUTCOMES}
    assert names == FAILURES
    assert names > TIMEOUTS | NEVER_SENT
    assert NEVER_SENT > OWN_FAULTS


@pytest.mark.parametrize(
    ("signs", "kind"),
    [
        (Signs(status=429, code="insufficient_quota", type="insufficient_quota"), Kind.QUOTA_EXHAUSTED),
        (Signs(status=429, type="insufficient_quota"), Kind.QUOTA_EXHAUSTED),
        (Signs(status=429, code="rate_limit_exceeded", type="tokens"), Kind.RATE_LIMITED),
        (Signs(status=429, type="throttling_error", code="429"), Kind.RATE_LIMITED),
        (Signs(status=429, type="budget_exceeded"), Kind.QUOTA_EXHAUSTED),
        (Signs(status=403, code="insufficient_user_quota", type="one_api_error"), Kind.QUOTA_EXHAUSTED),
        (Signs(status=403, code="pre_consume_token_quota_failed"), Kind.QUOTA_EXHAUSTED),
        (Signs(status=500, type="overloaded_error"), Kind.OVERLOADED),
        (Signs(status=503, code="slow_down"), Kind.OVERLOADED),
        (Signs(status=503, code="model_not_found"), Kind.BAD_REQUEST),
        (Signs(status=500, code="context_length_exceeded"), Kind.BAD_REQUEST),
        (Signs(status=400, code="content_filter"), Kind.CONTENT_FILTERED),
        (Signs(status=400, code="content_policy_violation"), Kind.CONTENT_FILTERED),
        (Signs(status=401, code="invalid_api_key", type="invalid_request_error"), Kind.AUTH),
        (Signs(status=401, type="invalid_request_error"), Kind.AUTH),
        (Signs(status=200, finish_reason="content_filter"), Kind.CONTENT_FILTERED),
        (Signs(status=200, finish_reason="error"), Kind.SERVER_ERROR),
        (Signs(status=200, finish_reason="length"), Kind.OK),
        (Signs(status=200, finish_reason="stop", failure="truncated"), Kind.BROKEN_STREAM),
        (Signs(status=200, failure="no_finish"), Kind.BROKEN_STREAM),
        (Signs(status=200, failure="cancelled", finish_reason="content_filter"), Kind.CANCELLED),
        (Signs(status=429, failure="truncated"), Kind.RATE_LIMITED),
        (Signs(status=502, failure="total_timeout"), Kind.SERVER_ERROR),
    ],
)
def test_what_an_error_is_called_says_more_than_its_status(signs: Signs, kind: Kind) -> None:
    assert classifier().classify(signs) is kind


@pytest.mark.parametrize("failure", ["error_body", "error_event"])
@pytest.mark.parametrize(
    ("code", "type_", "kind"),
    [
        ("429", None, Kind.RATE_LIMITED),
        ("500", None, Kind.SERVER_ERROR),
        ("503", None, Kind.OVERLOADED),
        ("400", None, Kind.BAD_REQUEST),
        ("insufficient_quota", None, Kind.QUOTA_EXHAUSTED),
        ("rate_limit_exceeded", "requests", Kind.RATE_LIMITED),
        (None, "overloaded_error", Kind.OVERLOADED),
        (None, "rate_limit_error", Kind.RATE_LIMITED),
        (None, "invalid_request_error", Kind.BAD_REQUEST),
        (None, "permission_error", Kind.AUTH),
        (None, "timeout_error", Kind.TIMED_OUT),
        (None, "server_error", Kind.SERVER_ERROR),
        (None, None, Kind.SERVER_ERROR),
    ],
)
def test_an_error_inside_a_200_is_judged_by_what_it_is_called(
    failure: str, code: str | None, type_: str | None, kind: Kind
) -> None:
    assert classifier().classify(Signs(status=200, failure=failure, code=code, type=type_)) is kind


QUOTA_OF_OPENAI = (
    "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan"
)


@pytest.mark.parametrize(
    ("dialect", "signs", "kind", "otherwise"),
    [
        (
            "litellm",
            Signs(status=429, type="throttling_error", code="429", message=QUOTA_OF_OPENAI),
            Kind.QUOTA_EXHAUSTED,
            Kind.RATE_LIMITED,
        ),
        (
            "litellm",
            Signs(status=429, message="litellm.RateLimitError: {'code': 'insufficient_quota'}"),
            Kind.QUOTA_EXHAUSTED,
            Kind.RATE_LIMITED,
        ),
        (
            "litellm",
            Signs(status=400, message="Budget has been exceeded! Current cost: 2.1, Max budget: 2.0"),
            Kind.QUOTA_EXHAUSTED,
            Kind.BAD_REQUEST,
        ),
        (
            "one-api",
            Signs(status=503, message="当前分组 default 下对于模型 o9 无可用渠道 (request id: 7)"),
            Kind.BAD_REQUEST,
            Kind.OVERLOADED,
        ),
        ("one-api", Signs(status=401, message="该令牌额度已用尽"), Kind.QUOTA_EXHAUSTED, Kind.AUTH),
        (
            "apisix",
            Signs(status=503, headers={"x-ai-ratelimit-remaining-gpt": "0"}),
            Kind.RATE_LIMITED,
            Kind.OVERLOADED,
        ),
        ("apisix", Signs(status=503, headers={"x-ratelimit-remaining": "0"}), Kind.RATE_LIMITED, Kind.OVERLOADED),
        ("openrouter", Signs(status=402, headers={"retry-after": "2"}), Kind.RATE_LIMITED, Kind.QUOTA_EXHAUSTED),
        ("openrouter", Signs(status=403, message="Input was flagged"), Kind.CONTENT_FILTERED, Kind.AUTH),
    ],
)
def test_a_dialect_knows_what_its_relay_means(dialect: DialectName, signs: Signs, kind: Kind, otherwise: Kind) -> None:
    assert classifier(dialect).classify(signs) is kind
    assert classifier().classify(signs) is otherwise


def test_the_rules_of_a_target_come_before_those_of_its_dialect() -> None:
    own = classifier("one-api", [rule("overloaded", status=503, message="无可用渠道")])
    assert own.classify(Signs(status=503, message="无可用渠道")) is Kind.OVERLOADED


def test_every_relay_that_is_imitated_has_a_dialect() -> None:
    assert set(DIALECTS) == set(IMITATED)


def signs_of(answer: ErrorAnswer) -> Signs:
    lines = (line.partition(": ") for line in answer.headers.decode().splitlines())
    fault = fault_of_body(answer.body)
    return Signs(
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
        (Refusal(Reason.BAD_JSON, "not JSON"), Kind.BAD_REQUEST),
        (Refusal(Reason.BAD_VALUE, "no such value", param="n"), Kind.BAD_REQUEST),
        (Refusal(Reason.TOO_LARGE, "too large"), Kind.BAD_REQUEST),
        (Refusal(Reason.WRONG_KEY, "wrong key"), Kind.AUTH),
        (Refusal(Reason.UNKNOWN_MODEL, "unknown", model="o9"), Kind.BAD_REQUEST),
        (Refusal(Reason.UNKNOWN_PATH, "unknown"), Kind.BAD_REQUEST),
        (Refusal(Reason.WRONG_METHOD, "wrong"), Kind.BAD_REQUEST),
        (Refusal(Reason.OVERLOADED), Kind.OVERLOADED),
        (Refusal(Reason.FAILED, status=500), Kind.SERVER_ERROR),
        (Refusal(Reason.FAILED, status=502), Kind.SERVER_ERROR),
        (Refusal(Reason.FAILED, status=503), Kind.OVERLOADED),
        (limited(Metric.REQUESTS, "key"), Kind.RATE_LIMITED),
        (limited(Metric.TOKENS, "key"), Kind.RATE_LIMITED),
        (limited(Metric.REQUESTS, "model"), Kind.RATE_LIMITED),
        (limited(Metric.TOKENS, "model"), Kind.RATE_LIMITED),
    ],
)
def test_what_the_imitated_relays_send_is_understood(dialect: DialectName, refusal: Refusal, kind: Kind) -> None:
    answer = IMITATED[dialect].error_answer(refusal, Occurrence("req-1", wall_s=1_795_481_212.0))
    assert classifier(dialect).classify(signs_of(answer)) is kind


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_breaks_in_mid_stream_is_the_servers_error(dialect: DialectName) -> None:
    fault = fault_of_error(IMITATED[dialect].error_event["error"])
    signs = Signs(status=200, failure="error_event", code=fault.code, type=fault.type, message=fault.message)
    assert classifier(dialect).classify(signs) is Kind.SERVER_ERROR
