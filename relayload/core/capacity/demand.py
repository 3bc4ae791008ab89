"""What a plan is made for: the traffic, how it peaks and grows, and what is kept free."""

from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from relayload.core.capacity.advice import HEADROOM

_WINDOW_S = 60.0


class Peak(Struct, frozen=True, kw_only=True):
    """The busiest minute of a trace."""

    requests: int
    """In the whole trace."""
    for_s: float
    """From its first request to its last."""
    mean_per_s: float
    peak_per_s: float
    """The mean rate of the sliding minute with the most requests."""
    at_s: float
    """When that minute begins, in seconds after the first request."""
    input_tokens: float | None = None
    """The mean of its requests; None where the trace has none."""
    output_tokens: float | None = None

    @property
    def ratio(self) -> float:
        """The rate of the busiest minute over the mean."""
        return self.peak_per_s / self.mean_per_s


class Demand(Struct, frozen=True, kw_only=True):
    """What is asked for."""

    mean_per_s: float
    peak: Peak | None = None
    """The trace by which the traffic peaks; None plans for the mean."""
    growth_per_month: float = 0.0
    """0.15 is 15 % a month, compounding."""
    headroom: float = HEADROOM
    """The share of the capacity that is kept free."""
    lose_one: bool = False
    """Whether the rest must carry it when one is lost."""
    mix: Mapping[str, float] = {}
    """The share of each model; empty for the measured one."""
    replicas: int | None = None
    """How many are there now; None for as many as are needed by what is proven."""

    @property
    def peak_per_s(self) -> float:
        """The rate to plan for: the mean, or as far above it as the busiest minute of the trace."""
        return self.mean_per_s * (1.0 if self.peak is None else self.peak.ratio)

    @property
    def with_headroom_per_s(self) -> float:
        """The capacity that it takes."""
        return self.peak_per_s / (1 - self.headroom)


def peak_minute(instants_s: Iterable[float]) -> Peak | None:
    """Return the busiest minute of requests in order of time; None if they span less than a minute."""
    window: deque[float] = deque()
    first_s = last_s = None
    most, most_at_s, requests = 0, 0.0, 0
    for at_s in instants_s:
        first_s = at_s if first_s is None else first_s
        last_s = at_s
        requests += 1
        window.append(at_s)
        while window[0] <= at_s - _WINDOW_S:
            window.popleft()
        if len(window) > most:
            most, most_at_s = len(window), window[0]
    if first_s is None or last_s is None or last_s - first_s < _WINDOW_S:
        return None
    return Peak(
        requests=requests,
        for_s=last_s - first_s,
        mean_per_s=requests / (last_s - first_s),
        peak_per_s=most / _WINDOW_S,
        at_s=most_at_s - first_s,
    )
