"""Metrics of a client, for an application's dashboard."""

from collections import Counter

from msgspec import Struct

from relayload.client.caller import Called
from relayload.core.model.record import BreakerState
from relayload.core.stats.histogram import Histogram
from relayload.core.stats.sample import Moments


class Latency(Struct, frozen=True, kw_only=True):
    """Latencies of answers in seconds; percentiles are accurate to 0.4 %."""

    mean_s: float
    p50_s: float
    p90_s: float
    p99_s: float


class BreakerView(Struct, frozen=True, kw_only=True):
    """The state of one breaker. `refused` counts calls that it refused, or would have refused if not enforcing."""

    state: BreakerState
    trips: int
    refused: int


class ClientMetrics(Struct, frozen=True, kw_only=True):
    """Totals of all calls that have ended. Rates are None before the first one."""

    calls: int
    ok: int
    success_rate: float | None
    attempts: int
    amplification: float | None
    """Attempts per call, counting only calls that sent at least one."""
    errors: dict[str, int]
    """Calls without an answer, by kind; `short_circuited` and `timed_out` also count those that were never sent."""
    input_tokens: int
    output_tokens: int
    latency: Latency | None
    """From the call to the last byte, including all waits and retries."""
    ttft: Latency | None
    """From the send of the answering attempt to its first token."""
    throttled: int
    """The number of calls that waited for the quota."""
    throttled_s: float
    backoff_s: float
    breakers: dict[str, BreakerView]
    """The breakers by scope, such as a model."""


class MetricsCounter:
    """The running totals of a client."""

    def __init__(self) -> None:
        self._calls = self._ok = self._attempts = self._sent = self._throttled = 0
        self._errors: Counter[str] = Counter()
        self._input_tokens = self._output_tokens = 0
        self._latency = Histogram()
        self._ttft = Histogram()
        self._throttled_s = self._backoff_s = 0.0

    def add(self, called: Called, latency_s: float) -> None:
        """Count a call that has ended."""
        self._calls += 1
        self._attempts += len(called.attempts)
        self._sent += bool(called.attempts)
        self._throttled += called.throttled_s > 0
        self._throttled_s += called.throttled_s
        self._backoff_s += called.backoff_s
        for attempt in called.attempts:
            self._input_tokens += attempt.input_tokens or 0
            self._output_tokens += attempt.output_tokens or 0
        if called.answered:
            self._add_answer(called, latency_s)
        else:
            self._errors[called.outcome if called.kind is None else called.kind] += 1

    def metrics(self, breakers: dict[str, BreakerView]) -> ClientMetrics:
        """Return the totals so far."""
        return ClientMetrics(
            calls=self._calls,
            ok=self._ok,
            success_rate=self._ok / self._calls if self._calls else None,
            attempts=self._attempts,
            amplification=self._attempts / self._sent if self._sent else None,
            errors=dict(self._errors.most_common()),
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            latency=_latency(self._latency),
            ttft=_latency(self._ttft),
            throttled=self._throttled,
            throttled_s=self._throttled_s,
            backoff_s=self._backoff_s,
            breakers=breakers,
        )

    def _add_answer(self, called: Called, latency_s: float) -> None:
        self._ok += 1
        self._latency.add(latency_s)
        ttft_s = called.attempts[-1].ttft_s
        if ttft_s is not None:
            self._ttft.add(ttft_s)


def _latency(histogram: Histogram) -> Latency | None:
    values = histogram.values()
    if not values.count:
        return None
    p50_s, p90_s, p99_s = map(values.quantile, (0.5, 0.9, 0.99))
    return Latency(mean_s=Moments.of(values).mean, p50_s=p50_s, p90_s=p90_s, p99_s=p99_s)
