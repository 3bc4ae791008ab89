"""When a circuit breaker trips, for how long, and what closes it again."""

from collections.abc import Iterator
from dataclasses import dataclass

from relayload.core.resilience.windows import Counts, CountWindow, TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """The numbers of a breaker. None leaves a rule out. Raises ValueError for numbers that make no sense."""

    failure_rate: float | None = 0.5
    """Trip when this share of the calls in the window failed, or more."""
    slow_rate: float | None = None
    """Trip when this share of the calls in the window were slow, or more."""
    min_calls: int = 20
    """Below so many calls in the window a share says nothing."""
    window_s: float = 30.0
    window_calls: int | None = None
    """The window holds the last so many calls instead of the last `window_s`."""
    consecutive: int | None = 10
    """Trip after so many failures in a row, however long they took."""
    slow_ttft_s: float | None = None
    slow_latency_s: float | None = None
    """A call is slow whose first token, or whose end, took longer than this."""
    open_for_s: float = 60.0
    open_factor: float = 2.0
    """Every repeated trip keeps the breaker open so many times longer than the one before."""
    max_open_for_s: float = 300.0
    """The most that repeated trips lead to, unless `open_for_s` is more."""
    reset_after_s: float = 60.0
    """A trip is a repeated one unless the breaker had been CLOSED for so long before."""
    half_open_calls: int = 3
    """In HALF_OPEN at most so many calls are under way at once, and so many have to succeed."""
    enforce: bool = True
    """False: refuse nothing, and watch when an enforcing breaker would have tripped."""

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ValueError(fault)

    def slow(self, ttft_s: float | None, latency_s: float | None) -> bool:
        """Whether a call was slow. What was not measured, or has no threshold, is not."""
        return _above(ttft_s, self.slow_ttft_s) or _above(latency_s, self.slow_latency_s)

    def window(self) -> Counts:
        """A new one with nothing in it."""
        return TimeWindow(self.window_s) if self.window_calls is None else CountWindow(self.window_calls)


def _above(value_s: float | None, threshold_s: float | None) -> bool:
    return value_s is not None and threshold_s is not None and value_s > threshold_s


def _faults(policy: BreakerPolicy) -> Iterator[str]:
    for name, share in (("failure_rate", policy.failure_rate), ("slow_rate", policy.slow_rate)):
        if share is not None and not 0 < share <= 1:
            yield f"{name}: expected above 0 and at most 1, got {share}"
    if policy.slow_rate is not None and policy.slow_ttft_s is None and policy.slow_latency_s is None:
        yield "slow_rate: needs slow_ttft_s or slow_latency_s"
    for name, seconds in (("window_s", policy.window_s), ("open_for_s", policy.open_for_s)):
        if seconds <= 0:
            yield f"{name}: expected above 0, got {seconds}"
    for name in ("min_calls", "consecutive", "open_factor", "half_open_calls"):
        number = getattr(policy, name)
        if number is not None and number < 1:
            yield f"{name}: expected at least 1, got {number}"
    if policy.window_calls is not None and policy.window_calls < policy.min_calls:
        yield f"window_calls: expected at least min_calls ({policy.min_calls}), got {policy.window_calls}"
