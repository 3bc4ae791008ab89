"""How long relays say that they worked on a request themselves, beside the model's own time."""

import math
from collections.abc import Mapping

_LITELLM = "x-litellm-overhead-duration-ms"
_MLFLOW = "x-mlflow-gateway-overhead-duration-ms"
_KONG = "x-kong-proxy-latency"
HEADERS = (_LITELLM, _MLFLOW, _KONG)
"""Headers with that time in milliseconds, by LiteLLM, MLflow's gateway and Kong.

None counts what a request waits before the relay reads it, or how long streamed chunks take through it."""
_MOST_MS = 1e9


def stated_overhead_s(headers: Mapping[str, str]) -> float | None:
    """Return the overhead in seconds that headers with names in lower case tell; None if they tell none."""
    if not (_LITELLM in headers or _MLFLOW in headers or _KONG in headers):  # as most, at half the cost of a loop
        return None
    return next(_seconds(headers[name]) for name in HEADERS if name in headers)


def _seconds(text: str) -> float | None:
    try:
        ms = float(text)
    except ValueError:
        return None
    return ms / 1000 if math.isfinite(ms) and 0 <= ms < _MOST_MS else None
