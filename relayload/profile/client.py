"""How requests are sent: the `client:` of a profile."""

from typing import Any

from pydantic import model_validator

from relayload.core.wire.request import Timeouts
from relayload.profile.types import Part, PositiveDuration

_DEFAULT_TIMEOUTS = Timeouts()


class ClientTimeouts(Part):
    """How long one attempt may take; null is without end. A bare duration is the total."""

    connect: PositiveDuration | None = _DEFAULT_TIMEOUTS.connect_s
    first_token: PositiveDuration | None = _DEFAULT_TIMEOUTS.first_token_s
    gap: PositiveDuration | None = _DEFAULT_TIMEOUTS.gap_s
    total: PositiveDuration | None = _DEFAULT_TIMEOUTS.total_s

    @model_validator(mode="before")
    @classmethod
    def _total(cls, value: Any) -> Any:
        return value if isinstance(value, dict | ClientTimeouts) else {"total": value}


class Client(Part):
    """How requests are sent."""

    timeout: ClientTimeouts = ClientTimeouts()
