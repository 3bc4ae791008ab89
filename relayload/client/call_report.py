"""What the hook `on_call` of a client is told."""

from typing import Any

from msgspec import Struct

from relayload.client.errors import CallFailed
from relayload.core.model.record import Attempt, Outcome


class CallReport(Struct, frozen=True, kw_only=True):
    """A call that has ended, for whoever keeps count."""

    name: str
    """What the caller calls it: the model, unless the call had a `name`."""
    model: str
    endpoint: str
    """`chat`, `responses` or `embeddings`."""
    body: dict[str, Any]
    """What was sent as JSON."""
    outcome: Outcome
    """How the last attempt ended, or why there was none."""
    latency_s: float
    """From the call to the last byte, every wait and retry inside."""
    attempts: tuple[Attempt, ...]
    """The last one is the answering one; empty where nothing was sent."""
    throttled_s: float
    """Seconds spent waiting for the client's own quota."""
    backoff_s: float
    """Seconds spent waiting before retries."""
    stopped_by: str | None
    """Why a failed call was not tried again, such as `attempts` or `deadline`; None where that could not help."""
    error: CallFailed | None
    """What the call raises; None for an answer. `CutOff` where the application killed its greenlet."""
