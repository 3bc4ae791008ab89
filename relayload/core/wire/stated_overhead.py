"""How long relays say that they worked on a request themselves, beside the model's own time."""

import math
from collections.abc import Mapping

HEADERS = (
    "x-litellm-overhead-duration-ms",
    "x-mlflow-gateway-overhead-duration-ms",
    "x-kong-proxy-latency",
)
"""Headers with that time in milliseconds, by LiteLLM, MLflow's gateway and Kong.

None counts what a request waits before the relay reads it, or how long streamed chunks take through it."""
_MOST_MS = 1e9


def stated_overhead_s(headers: Mapping[str, str]) -> float | None:
    """Return the overhead in seconds that headers with names in lower case tell; None if they tell none."""
    for name in HEADERS:
        if name in headers:
            return _seconds(headers[name])
    return None


def _seconds(text: str) -> float | None:
    try:
        ms = float(text)
    except ValueError:
        return None
    return ms / 1000 if math.isfinite(ms) and 0 <= ms < _MOST_MS else None
