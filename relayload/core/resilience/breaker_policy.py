"""When a circuit breaker trips, for how long, and what closes it again."""

from collections.abc import Iterator
from dataclasses import dataclass

from relayload.core.resilience.sliding_windows import Counts, CountWindow, TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """The settings of a breaker. None turns a rule off. Raises ValueError for invalid numbers."""

    failure_rate: float | None = 0.5
    """Trip when this share of the calls in the window failed, or more."""
    slow_rate: float | None = None
    """Trip when this share of the calls in the window were slow, or more."""
    min_calls: int = 20
    """The fewest calls in the window for `failure_rate` and `slow_rate` to apply."""
    window_s: float = 30.0
    window_calls: int | None = None
    """If set, the window holds this many calls instead of the last `window_s` seconds."""
    consecutive: int | None = 10
    """Trip after this many failures in a row, over any length of time."""
    slow_ttft_s: float | None = None
    slow_latency_s: float | None = None
    """A call is slow if its first token, or its end, took longer than this."""
    open_for_s: float = 60.0
    open_factor: float = 2.0
    """Each repeated trip keeps the breaker open this many times longer than the one before."""
    max_open_for_s: float = 300.0
    """The longest open time of repeated trips, unless `open_for_s` is more."""
    reset_after_s: float = 60.0
    """A trip counts as repeated unless the breaker had been CLOSED for this long before."""
    half_open_calls: int = 3
    """In HALF_OPEN, the most concurrent calls, and the number of successes that closes the breaker."""
    enforce: bool = True
    """False: refuse nothing, and only observe when an enforcing breaker would have tripped."""

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ValueError(fault)

    def slow(self, ttft_s: float | None, latency_s: float | None) -> bool:
        """Return whether a call was slow. A time that was not measured, or has no threshold, is not slow."""
        return _above(ttft_s, self.slow_ttft_s) or _above(latency_s, self.slow_latency_s)

    def window(self) -> Counts:
        """Return a new, empty window."""
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
