"""The rules for classifying errors: those common to all relays, and those of each family of relays.

Sources: the error pages of OpenAI, Anthropic and OpenRouter; one-api's middleware; APISIX's ai-rate-limiting; observed
answers of LiteLLM 1.106.
"""

from collections.abc import Iterable
from typing import Literal

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import AttemptSignals, Classifier, Rule, rule
from relayload.core.wire.finish import FAILED_FINISHES

DialectName = Literal["openai", "litellm", "one-api", "apisix", "openrouter", "anthropic"]

TIMEOUTS = frozenset({"connect_timeout", "first_token_timeout", "gap_timeout", "total_timeout"})
"""Failures that are the client's own timeouts."""

OWN_FAULTS = frozenset({"no_files", "no_ports"})
"""Failures of this process or machine, which say nothing about the relay."""

NEVER_SENT = OWN_FAULTS | {"dns", "foreign_address", "connect", "connect_timeout", "tls", "tls_certificate", "proxy"}
"""Failures before the relay received the request."""


def _named(kind: FailureKind, *names: str) -> tuple[Rule, Rule]:
    """Return rules for the code and the type: some relays put into one what others put into the other."""
    return rule(kind, code=names), rule(kind, type=names)


_BY_NAME = (
    rule(FailureKind.CANCELLED, failure="cancelled"),
    *_named(
        FailureKind.QUOTA_EXHAUSTED,
        "insufficient_quota",
        "insufficient_user_quota",
        "insufficient_balance",
        "exceeded_current_quota_error",  # Moonshot
        "pre_consume_token_quota_failed",
        "billing_hard_limit_reached",
        "billing_not_active",
        "budget_exceeded",
    ),
    *_named(
        FailureKind.CONTENT_FILTERED,
        "content_filter",
        "content_policy_violation",
        "moderation_blocked",
        "responsibleaipolicyviolation",
    ),
    *_named(
        FailureKind.RATE_LIMITED, "rate_limit_exceeded", "rate_limit_error", "too_many_requests", "throttling_error"
    ),
    *_named(FailureKind.OVERLOADED, "overloaded_error", "engine_overloaded_error", "slow_down"),
    *_named(FailureKind.BAD_REQUEST, "model_not_found", "context_length_exceeded"),
    *_named(FailureKind.AUTH, "invalid_api_key", "authentication_error"),
    rule(FailureKind.AUTH, status=400, type="no_db_connection"),  # LiteLLM's refusal of a key without a database
)
_BY_STATUS = (
    rule(FailureKind.AUTH, status=(401, 403)),
    rule(FailureKind.QUOTA_EXHAUSTED, status=402),
    rule(FailureKind.TIMED_OUT, status=(408, 504, 522, 524)),  # the last two are Cloudflare's
    rule(FailureKind.RATE_LIMITED, status=429),
    rule(FailureKind.OVERLOADED, status=(503, 529)),
    rule(FailureKind.BAD_REQUEST, status=501),  # not implemented, which is permanent: RFC 9110, section 15.6.2
    rule(FailureKind.SERVER_ERROR, status="5xx"),
    rule(FailureKind.BAD_REQUEST, status=("1xx", "3xx", "4xx")),  # a redirect is not followed
)
_FAILED_FINISHES = (
    rule(FailureKind.OVERLOADED, failure="failed_finish", finish_reason="insufficient_system_resource"),
    rule(FailureKind.TIMED_OUT, failure="failed_finish", finish_reason=("timeout", "time_limit")),
    rule(FailureKind.SERVER_ERROR, failure="failed_finish"),
)
_BY_FAILURE = (
    # Errors inside a 200 without a status or a code have a type at best.
    rule(FailureKind.BAD_REQUEST, type=("invalid_request_error", "not_found_error", "bad_request_error")),
    rule(FailureKind.AUTH, type=("permission_error", "auth_error")),
    rule(FailureKind.TIMED_OUT, type="timeout_error"),
    rule(
        FailureKind.UNREACHABLE,
        failure=(
            "no_files",
            "no_ports",
            "dns",
            "foreign_address",
            "connect",
            "connect_timeout",
            "tls",
            "tls_certificate",
            "proxy",
            "closed_unanswered",
            "reset_unanswered",
        ),
    ),
    rule(FailureKind.TIMED_OUT, failure=("first_token_timeout", "gap_timeout", "total_timeout")),
    rule(
        FailureKind.BROKEN_STREAM,
        failure=(
            "not_http",
            "encoding",
            "too_large",
            "reset",
            "truncated",
            "malformed_body",
            "not_a_stream",
            "malformed_event",
            "no_finish",
        ),
    ),
    *_FAILED_FINISHES,
    rule(FailureKind.SERVER_ERROR, failure=("error_body", "error_event", "no_choices", "no_output")),
)
_BY_END = (
    rule(FailureKind.CONTENT_FILTERED, finish_reason=("content_filter", "content_filtered", "sensitive", "refusal")),
    rule(FailureKind.SERVER_ERROR, finish_reason=tuple(FAILED_FINISHES)),
)
RULES: tuple[Rule, ...] = _BY_NAME + _BY_STATUS + _BY_FAILURE + _BY_END
"""The common rules: by name of the error, then by status, then by failure on the wire."""

FAILURES = frozenset(name for each in RULES for name in each.failures)
"""All failure names."""

DIALECTS: dict[DialectName, tuple[Rule, ...]] = {
    "openai": (),  # its names are among the common rules
    "litellm": (
        # It gives every 429 of its upstream one type: only the text identifies a used-up account.
        rule(FailureKind.QUOTA_EXHAUSTED, status=429, message="insufficient_quota|openai.*exceeded your current quota"),
        rule(FailureKind.QUOTA_EXHAUSTED, status=(400, 429), message="budget has been exceeded|exceededbudget"),
    ),
    "one-api": (
        # An unknown model has no channel and gets a 503, so a typo looks like an outage.
        rule(FailureKind.BAD_REQUEST, status=503, message="无可用渠道|no available channel"),
        rule(FailureKind.QUOTA_EXHAUSTED, status=(401, 403), message="额度已用尽|额度不足|quota is not enough"),
    ),
    "apisix": (
        rule(FailureKind.RATE_LIMITED, status=503, header="x-ai-ratelimit-*"),
        rule(FailureKind.RATE_LIMITED, status=503, header="x-ratelimit-*"),
    ),
    "openrouter": (
        # A 402 has `retry-after` if the budget for requests in flight is used up, but not if the account is empty.
        rule(FailureKind.RATE_LIMITED, status=402, header="retry-after"),
        rule(FailureKind.CONTENT_FILTERED, status=403, message="moderation|flagged|guardrail"),
    ),
    "anthropic": (rule(FailureKind.QUOTA_EXHAUSTED, status=400, message="credit balance is too low"),),
}


def classifier(dialect: DialectName = "openai", own_rules: Iterable[Rule] = ()) -> Classifier:
    """Return a classifier for one target: its own rules first, then those of its dialect, then the common ones."""
    return Classifier((*own_rules, *DIALECTS[dialect], *RULES))


_COMMON = classifier()


def kind_of_status(status: int) -> FailureKind:
    """Return what a status means if nothing else is known."""
    return _COMMON.classify(AttemptSignals(status=status))
