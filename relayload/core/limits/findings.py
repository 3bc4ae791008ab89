"""What a search found: the content of `limits.json`."""

from enum import StrEnum

from msgspec import Struct


class Counts(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENT = "concurrent"
    UNKNOWN = "requests or tokens"
    """What was seen does not tell which; amounts are of the shortest requests."""


class Kind(StrEnum):
    """How a limit counts. In SLIDING, what came in the last so many seconds; in FIXED, what came since the last
    boundary; in BUCKET, what a bucket holds that is refilled steadily."""

    SLIDING = "sliding"
    FIXED = "fixed"
    BUCKET = "bucket"


class Per(StrEnum):
    """What has a counter of its own."""

    KEY = "key"
    MODEL = "model"
    KEY_AND_MODEL = "key and model"
    ALL = "all"
    """All keys and models share one."""


MOST_TOO_LONG_S, MOST_TOO_SHORT_S = 1.0, 0.15


class RetryAfter(Struct, frozen=True, kw_only=True):
    """The wait that refusals ask for, against when the next request really passed."""

    asked_s: float
    """What the first refusal asked for."""
    passed_after_s: float
    """When the next request passed after that refusal; one before it, by `uncertain_s`, was refused."""
    uncertain_s: float
    too_long_s: float
    """By how much the worst refusal asked for too much; 0 where none did."""
    too_short_s: float
    """By how much one asked for too little."""

    @property
    def honest(self) -> bool:
        """Whether none was too long by more than the rounding up to a second, or too short by more than its way."""
        return self.too_long_s <= MOST_TOO_LONG_S and self.too_short_s <= MOST_TOO_SHORT_S


class FoundLimit(Struct, frozen=True, kw_only=True):
    """One limit. What could not be told is null, with the reason in `not_told`."""

    counts: Counts
    amount: int
    """Its size; of a bucket, its depth."""
    amount_at_most: int | None = None
    """The size may be anything from `amount` to this."""
    kind: Kind | None = None
    window_s: float | None = None
    """The length of a window in seconds; of a bucket, how long an empty one takes to be full."""
    longer_than_s: float | None = None
    """The window is longer than this, which is all that could be afforded."""
    refill_per_s: float | None = None
    """What flows into a bucket."""
    per: Per | None = None
    refused_count: bool | None = None
    """Whether requests count that were refused."""
    failed_count: bool | None = None
    """Whether requests count that failed because they were malformed."""
    retry_after: RetryAfter | None = None
    not_told: tuple[str, ...] = ()
    refusals: int = 0
    """The refusals that it rests on."""
    unexplained: int = 0
    """Those of them for which it had room."""


class StatedLimit(Struct, frozen=True, kw_only=True):
    """What a header states about a limit, against what was found."""

    header: str
    limit: int
    true: bool | None
    """None where what was found can neither confirm nor refute it."""
    remark: str


class Unlimited(Struct, frozen=True, kw_only=True):
    """What passed without a refusal that no limit explains."""

    counts: Counts
    amount: int
    within_s: float | None = None
    """None for what was in flight at once."""


class Limits(Struct, frozen=True, kw_only=True):
    """What a search found."""

    profile: str = ""
    target: str = ""
    models: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """The names of the keys, never the keys."""
    limits: tuple[FoundLimit, ...] = ()
    no_limit_up_to: tuple[Unlimited, ...] = ()
    stated: tuple[StatedLimit, ...] = ()
    notes: tuple[str, ...] = ()
    """What else was seen, and what was not looked for."""
    ended_by: str = ""
    """The cap or the signal that ended the search; empty where it was complete."""
    requests: int = 0
    tokens: int = 0
    usd: float | None = None
    """None where prices are unknown."""
    took_s: float = 0.0
    client: dict[str, list[str]] = {}
    """The quota for a profile: limits of `requests` and of `tokens`, evenly spaced."""
    max_in_flight: int | None = None
    exit_code: int = 0
