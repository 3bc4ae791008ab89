"""When a fault of a relay strikes, whatever it does."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from relayload.fakerelay.limits import Rate
from relayload.fakerelay.schema import Duration, PresetPart, Share


class Fault(PresetPart):
    """When a fault strikes: all given conditions must hold; without any, it always strikes."""

    streams_only: ClassVar[bool] = False
    """Whether it affects only streamed answers."""
    changes_bytes: ClassVar[bool] = True
    """Whether it changes what is written and when, beyond what the answer says."""

    kind: str
    probability: Share = 1.0
    from_s: Annotated[Duration, Field(alias="from")] = 0.0
    """Seconds since the relay's start or last reset."""
    to: Duration | None = None
    requests: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Numbers of the affected requests, counted from 1 after the start or a reset."""
    every: Annotated[int, Field(ge=1)] = 1
    models: tuple[str, ...] = ()
    above: Rate | None = None
    """Strikes only while more requests than this have arrived in the window before, the request itself included."""

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if self.to is not None and self.to <= self.from_s:
            raise ValueError("expected 'from' to be before 'to'")
        return self

    def in_window(self, elapsed_s: float) -> bool:
        return self.from_s <= elapsed_s and (self.to is None or elapsed_s < self.to)

    def strikes(self, number: int, model: str, elapsed_s: float, draw: float, arrived: int = 0) -> bool:
        """Return whether it strikes a request, given a draw from [0, 1) and the arrivals in the window of `above`."""
        return (
            draw < self.probability
            and self.in_window(elapsed_s)
            and number % self.every == 0
            and (not self.requests or number in self.requests)
            and (not self.models or model in self.models)
            and (self.above is None or arrived > self.above.count)
        )
