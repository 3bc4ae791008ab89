"""Retries: how many, after what back-off, and the retry budget of a whole client."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from relayload.core.resilience.meaning import RETRIED, FailureMatcher, failure_matcher
from relayload.core.resilience.sliding_windows import TimeWindow

_MOST_DOUBLINGS = 60
_SLOTS = 10


BUDGET_SHARE = 0.2
BUDGET_MINIMUM = 3

Jitter = Literal["full", "equal", "none"]
"""How much of a back-off is random: all of it, so that clients that failed together retry at different times; half of
it; or none.
"""
_FIXED: dict[Jitter, float] = {"full": 0.0, "equal": 0.5, "none": 1.0}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The retries of one request, with exponential back-off and full jitter as in AWS's standard mode.

    Raises ValueError for invalid values. Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """

    attempts: int = 3
    """The most attempts, including the first."""
    backoff_s: float = 0.5
    """The longest back-off after a first failure; it doubles with every further one."""
    rate_limited_backoff_s: float = 1.0
    """The same after `rate_limited` or `overloaded`."""
    max_backoff_s: float = 30.0
    jitter: Jitter = "full"
    max_retry_after_s: float = 120.0
    """If the relay asks for a longer wait, the request is not retried."""
    retried: FailureMatcher = RETRIED
    """What is retried; `on` sets it by names."""
    budget_share: float | None = BUDGET_SHARE
    """In any ten seconds, the retries of all requests together are at most this share of the requests started.

    None means no limit: every request may use all its attempts.
    """
    budget_minimum: int = BUDGET_MINIMUM
    """The number of retries that the budget always allows."""

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ValueError(fault)

    def on(self, *names: int | str) -> "RetryPolicy":
        """Return the policy with retries only on these, such as `429`, `"5xx"`, `"timeout"` and `"connect"`.

        Names are those of `retry.on` in a profile. Raises ValueError for others.
        """
        return replace(self, retried=failure_matcher(names))

    def wait_s(self, failures: int, *, rate_limited: bool, retry_after_s: float | None, rng: Random) -> float:
        """Return the seconds from the `failures`-th failure to the next attempt, at least `retry_after_s`.

        The back-off is at most `min(max_backoff_s, base * 2**(failures - 1))`. If the relay asked for a wait, the
        random part is added to it.
        """
        base_s = self.rate_limited_backoff_s if rate_limited else self.backoff_s
        most_s = min(self.max_backoff_s, base_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
        fixed_s = most_s * _FIXED[self.jitter]
        return max(retry_after_s or 0.0, fixed_s) + rng.random() * (most_s - fixed_s)


def _faults(policy: RetryPolicy) -> Iterator[str]:
    if policy.attempts < 1:
        yield f"attempts: expected at least 1, got {policy.attempts}"
    if policy.jitter not in _FIXED:
        yield f"jitter: expected {' or '.join(_FIXED)}, got {policy.jitter!r}"
    for name in (
        "backoff_s",
        "rate_limited_backoff_s",
        "max_backoff_s",
        "max_retry_after_s",
        "budget_share",
        "budget_minimum",
    ):
        number = getattr(policy, name)
        if number is not None and number < 0:
            yield f"{name}: expected 0 or more, got {number}"


class RetryBudget:
    """The retries that all requests of a client may make together, so that an outage causes no retry storm.

    At every instant, the retries of the last `window_s` are at most `share` of the requests started in it, or `minimum`
    if that is more. Ten seconds are long enough to contain requests together with their retries, and short enough that
    a calm minute does not pay for a storm. Slots of a tenth make the cost independent of the rate: requests count for
    nine to ten of them, retries for ten to eleven, so that no stretch of `window_s` has more retries than its share.
    Source: retry budgets of Finagle (20 %, 10 s) and Envoy (20 %, at least 3).
    """

    __slots__ = ("_minimum", "_requests", "_retries", "_share")

    def __init__(self, share: float = BUDGET_SHARE, minimum: int = BUDGET_MINIMUM, window_s: float = 10.0) -> None:
        self._share = share
        self._minimum = minimum
        self._requests = TimeWindow(window_s, _SLOTS)
        self._retries = TimeWindow(window_s / _SLOTS * (_SLOTS + 1), _SLOTS + 1)

    def note_request(self, now_s: float) -> None:
        """Count a request that starts."""
        self._requests.add(False, False, now_s)

    def try_spend(self, now_s: float) -> bool:
        """Take a retry from the budget, if there is one. It counts even if it is not sent in the end."""
        self._requests.forget(now_s)
        self._retries.forget(now_s)
        if self._retries.calls + 1 > max(self._minimum, self._share * self._requests.calls):
            return False
        self._retries.add(False, False, now_s)
        return True
