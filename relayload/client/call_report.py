"""The report that a client passes to its `on_call` hook."""

from typing import Any

from msgspec import Struct

from relayload.client.errors import CallFailed
from relayload.core.model.record import Attempt, Outcome


class CallReport(Struct, frozen=True, kw_only=True):
    """A call that has ended."""

    name: str
    """The `name` of the call, by default the model."""
    model: str
    endpoint: str
    """`chat`, `responses`, `messages` or `embeddings`."""
    body: dict[str, Any]
    """The body that was sent as JSON."""
    outcome: Outcome
    """How the last attempt ended, or why there was none."""
    latency_s: float
    """From the call to the last byte, including all waits and retries."""
    attempts: tuple[Attempt, ...]
    """All attempts; the last one answered. Empty if nothing was sent."""
    throttled_s: float
    """Seconds spent waiting for the client's own quota."""
    backoff_s: float
    """Seconds spent waiting before retries."""
    stopped_by: str | None
    """Why a failed call was not retried, such as `attempts` or `deadline`; None if a retry could not help."""
    error: CallFailed | None
    """What the call raises; None for an answer. `CutOff` if the application killed its greenlet."""
