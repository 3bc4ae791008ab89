"""How long a trial lasts: long enough for the queue to build up, and for its rarest objective."""

from collections.abc import Iterable
from math import ceil

from msgspec import Struct

from relayload.core.capacity.trial import Purpose
from relayload.core.objectives.objective import Objective, replace_options
from relayload.core.objectives.sample_forecast import needed_samples

_WARMUP_LATENCIES, _MEASURED_LATENCIES = 3, 15
_SPARE = 1.2
"""Requests beyond those that an objective needs, since arrivals vary."""


class Lengths(Struct, frozen=True, kw_only=True):
    """The least lengths of the parts of a trial, in seconds."""

    warmup_s: float = 10.0
    search_s: float = 30.0
    confirm_s: float = 120.0
    decide: float = 1.0
    """The requests that the rarest objective needs to be decided, of all that are sent."""
    prove: float = 1.0
    """Those that it needs to be proven."""

    def measured_for_s(self, purpose: Purpose, rate_per_s: float, latency_p50_s: float) -> float:
        """Return the length of the measured part, in whole seconds, against a relay with that latency.

        A rate of 0 is one that is not known yet.
        """
        confirms = purpose is Purpose.CONFIRM
        least_s, needed = (self.confirm_s, self.prove) if confirms else (self.search_s, self.decide)
        needed_s = _SPARE * needed / rate_per_s if rate_per_s else 0.0
        return float(ceil(max(least_s, _MEASURED_LATENCIES * latency_p50_s, needed_s)))

    def warmup_for_s(self, latency_p50_s: float) -> float:
        """Return the length of the warm-up, in whole seconds, against a relay with that latency."""
        return float(ceil(max(self.warmup_s, _WARMUP_LATENCIES * latency_p50_s)))


def samples(objectives: Iterable[Objective]) -> tuple[int, int]:
    """Return how many requests the rarest objective needs to be decided, and to be proven."""
    counting = list(objectives)
    decide = max(map(needed_samples, counting), default=1)
    prove = max((needed_samples(replace_options(each, strict=True)) for each in counting), default=1)
    return decide, max(decide, prove)
