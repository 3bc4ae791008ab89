"""How requests are sent: the `client:` of a profile."""

from typing import ClassVar

from relayload.core.wire.request import Timeouts
from relayload.profile.types import Part, PositiveDuration

_DEFAULT_TIMEOUTS = Timeouts()


class ClientTimeouts(Part):
    """How long one attempt may take; null is without end. A bare duration is the total."""

    short: ClassVar[str | None] = "total"

    connect: PositiveDuration | None = _DEFAULT_TIMEOUTS.connect_s
    """Until the connection stands."""
    first_token: PositiveDuration | None = _DEFAULT_TIMEOUTS.first_token_s
    """Until the first token of a stream."""
    gap: PositiveDuration | None = _DEFAULT_TIMEOUTS.gap_s
    """Between two content events of a stream."""
    total: PositiveDuration | None = _DEFAULT_TIMEOUTS.total_s
    """Until the last byte."""


class Client(Part):
    """How requests are sent."""

    timeout: ClientTimeouts = ClientTimeouts()
    """A duration for the whole attempt, or one for each of its parts; null is without end."""
