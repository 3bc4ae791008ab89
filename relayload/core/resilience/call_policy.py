"""What all calls of a client have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from relayload.core.resilience.asked_wait import Remaining
from relayload.core.resilience.classify import Classifier
from relayload.core.resilience.meaning import COUNTED, Selection
from relayload.core.resilience.reservation import Reservation
from relayload.core.resilience.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How attempts are judged and repeated. Without `retry`, a request is one attempt."""

    classifier: Classifier
    retry: RetryPolicy | None = None
    counted: Selection = COUNTED
    """What counts against the breaker."""
    slow: Callable[[float | None, float | None], bool] | None = None
    """Whether an attempt with this time to first token and to the last byte is slow for the breaker."""
    heed: Callable[[Reservation, Remaining, float], object] | None = None
    """Tells a quota that follows the relay what the answer to a reservation said is left, and when."""
