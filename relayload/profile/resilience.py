"""The `retry:`, `quota:`, `breaker:` and `rules:` of a profile's client: how it treats failures and limits."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.classify import Rule, rule
from relayload.core.resilience.dialects import FAILURES
from relayload.core.resilience.limit import Limit, Unit
from relayload.core.resilience.meaning import COUNTED, FailureMatcher, failure_matcher
from relayload.core.resilience.retry import BUDGET_MINIMUM, BUDGET_SHARE, Jitter, RetryPolicy
from relayload.core.units import count_per_s
from relayload.document.spelling import spelled
from relayload.document.validation import nearest
from relayload.profile.types import Count, Duration, Flag, Items, Number, Part, PositiveDuration, Share, Text, text_like

_RETRY = RetryPolicy()
_BREAKER = BreakerPolicy()


def _word(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"expected a status such as 503 or 5xx, or a word such as 'timeout', got {spelled(value)}")
    return str(value)


Word = Annotated[str, BeforeValidator(_word), WithJsonSchema({"type": ["string", "integer"]})]


def _selectable(word: str) -> str:
    failure_matcher((word,))
    return word


Selected = Items[Annotated[Word, AfterValidator(_selectable)]]
"""`[429, 5xx, timeout, connect, broken_stream]`."""


class RetryBudget(Part):
    """The retries that all requests of a process may have together."""

    budget_share: Share = Field(BUDGET_SHARE, alias="share")
    """Retries as a share of the requests of the last ten seconds."""
    budget_minimum: Count = Field(BUDGET_MINIMUM, alias="minimum")
    """Retries that are always allowed."""


class Retry(Part):
    """Trying again what failed, later and later."""

    renamed: ClassVar[Mapping[str, str]] = {"throttled_backoff": "rate_limited_backoff", "max_asked": "max_retry_after"}

    attempts: Count = _RETRY.attempts
    """Tries of one request, the first one included."""
    backoff_s: PositiveDuration = _RETRY.backoff_s
    """The longest wait after a first failure; it doubles with every further one."""
    rate_limited_backoff_s: PositiveDuration = _RETRY.rate_limited_backoff_s
    """The same, after a relay that had too much to do."""
    max_backoff_s: PositiveDuration = _RETRY.max_backoff_s
    """The longest wait of our own; what the relay asks for may be longer."""
    max_retry_after_s: PositiveDuration = _RETRY.max_retry_after_s
    """A relay that asks for a longer wait is not waited for."""
    jitter: Jitter = _RETRY.jitter
    """How much of a wait is left to chance."""
    on: Selected | None = None
    """What is tried again, such as `[429, 5xx, timeout, connect]`; null is what can help."""
    budget: RetryBudget | None = RetryBudget()
    """Against storms of retries; null lets every request have all its attempts."""

    @property
    def policy(self) -> RetryPolicy:
        budget = dict(self.budget) if self.budget else {"budget_share": None}
        policy = RetryPolicy(**self.model_dump(exclude={"on", "budget"}), **budget)
        return policy if self.on is None else policy.on(*self.on)


_PER = r"^\s*\d[\d_]*\s*[kKM]?\s*/\s*(s|sec|m|min|h|hour)\s*$"


def _amount(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"expected a limit such as '10/s' or '60/min', got {spelled(value)}")
    count_per_s(value)
    return value


Amount = Annotated[str, BeforeValidator(_amount), text_like(_PER, "10/s", "60/min", "200k/min")]


class QuotaLimit(Part):
    """So many in any stretch of that length: in bursts where they are allowed, evenly spaced else."""

    short: ClassVar[str | None] = "limit"

    limit: Amount
    """Such as `60/min`."""
    burst: Count = 1
    """How many may go at once after a pause."""

    def counted(self, unit: Unit) -> Limit:
        amount, per_s = count_per_s(self.limit)
        return Limit(amount, per_s, unit, self.burst)


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class _OneOrMore:
    """Describes, in the schema of profiles, a list that a single value may stand for."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        several = handler(core)
        return {"anyOf": [several["items"], several]}


Limits = Annotated[tuple[QuotaLimit, ...], BeforeValidator(_several), _OneOrMore()]
"""One limit, or a list of them."""


class OwnQuota(Part):
    """What is sent at most, by all processes together, whatever the load wants: the rest waits."""

    requests: Limits = ()
    """Such as `[10/s, 60/min]`."""
    tokens: Limits = ()
    """Input and output together: an estimate is reserved, and settled with the real usage."""
    per: Literal["target", "key"] = "target"
    """What has these limits for itself: every target, or each of its `keys`."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.requests and not self.tokens:
            raise ValueError("expected requests, tokens or both, such as {requests: [10/s, 60/min]}")
        return self

    @property
    def limits(self) -> tuple[Limit, ...]:
        requests = (each.counted(Unit.REQUESTS) for each in self.requests)
        return (*requests, *(each.counted(Unit.TOKENS) for each in self.tokens))


Quota = Annotated[
    Annotated[Literal["from_headers"], Tag("headers")] | Annotated[OwnQuota, Tag("own")],
    Discriminator(lambda value: "headers" if isinstance(value, str) else "own"),
]
"""`{requests: ..., tokens: ...}`, or `from_headers` to follow what the relay says it has left."""


class BreakerConfig(Part):
    """Not asking a relay that fails, until it may have recovered."""

    renamed: ClassVar[Mapping[str, str]] = {"forget_after": "reset_after", "trials": "half_open_calls"}

    scope: Literal["model", "endpoint", "key", "all"] = Scope.MODEL.value
    """What has a breaker of its own, in every process."""
    failure_rate: Share | None = _BREAKER.failure_rate
    """Trip when this share of the requests in the window failed."""
    consecutive: Count | None = _BREAKER.consecutive
    """Trip after so many failures in a row."""
    window_s: PositiveDuration = _BREAKER.window_s
    """How far back it looks."""
    window_calls: Count | None = Field(None, alias="window_requests")
    """Look at the last so many requests instead."""
    min_calls: Count = Field(_BREAKER.min_calls, alias="min_requests")
    """Below so many in the window, a share says nothing."""
    slow_rate: Share | None = None
    """Trip when this share of the requests in the window were slow; needs slow_ttft or slow_latency."""
    slow_ttft_s: PositiveDuration | None = None
    """A request is slow whose first token took longer."""
    slow_latency_s: PositiveDuration | None = None
    """A request is slow whose last byte took longer."""
    open_for_s: PositiveDuration = _BREAKER.open_for_s
    """How long nothing is sent after a trip."""
    open_factor: Annotated[Number, Field(ge=1)] = _BREAKER.open_factor
    """Each repeated trip lasts so many times longer."""
    max_open_for_s: PositiveDuration = _BREAKER.max_open_for_s
    """The most that repeated trips lead to."""
    reset_after_s: Duration = _BREAKER.reset_after_s
    """A trip after so long without one is a first one again."""
    half_open_calls: Count = _BREAKER.half_open_calls
    """Requests that must succeed before all are let through again."""
    count: Selected | None = None
    """What counts as a failure, such as `[429, 5xx, timeout]`; null is what the relay is to blame for."""
    enforce: Flag = True
    """False only watches: it refuses nothing, and reports the trips that there would have been."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self.policy  # noqa: B018 -- raises for numbers that make no sense together
        return self

    @property
    def policy(self) -> BreakerPolicy:
        """The policy of these numbers. Raises ValueError if they contradict each other."""
        if self.slow_rate is not None and self.slow_ttft_s is None and self.slow_latency_s is None:
            raise ValueError("slow_rate needs slow_ttft or slow_latency: from when on is a request slow?")
        return BreakerPolicy(**self.model_dump(exclude={"scope", "count"}))

    @property
    def counted(self) -> FailureMatcher:
        return COUNTED if self.count is None else failure_matcher(self.count)


Words = Annotated[tuple[Word, ...], BeforeValidator(_several), _OneOrMore()]


def _known_failures(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if word.lower() not in FAILURES:
            raise ValueError(f"unknown failure '{word}'{nearest(word, FAILURES)}")
    return words


class KindRule(Part):
    """Signs by which a failure is known, before the rules of the target's dialect. All that are given have to fit."""

    kind: Text = Field(alias="is")
    """What it is: `overloaded`, `rate_limited`, `bad_request` ..."""
    status: Words = ()
    """Such as 503 or 5xx."""
    code: Words = ()
    """The code of the relay's error."""
    type: Words = ()
    """The type of the relay's error."""
    message: Text | None = None
    """A regular expression, found anywhere in the relay's message."""
    header: Text | None = None
    """A header that the answer has."""
    failure: Annotated[Words, AfterValidator(_known_failures)] = ()
    """What happened on the wire, such as `no_finish`."""
    finish_reason: Words = ()
    """How the answer says that it ended, such as `content_filter`."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self.rule  # noqa: B018 -- raises for what can't be a rule
        return self

    @property
    def rule(self) -> Rule:
        """The rule of these signs. Raises ValueError if they make no rule."""
        return rule(**dict(self))
