"""The `load:` of a profile: how much traffic comes, and when."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from relayload.document.spelling import spelled
from relayload.profile.arrivals import BurstArrivals, GammaArrivals, Plain
from relayload.profile.stages import AnyStage, TimedStage, named
from relayload.profile.think_time import ThinkTime
from relayload.profile.trace.options import Trace
from relayload.profile.types import Count, Duration, Items, Part

MOST_REQUESTS = 1_000_000
"""The most requests of a batch, since every worker holds the whole list."""


def _kind(value: object) -> str:
    if isinstance(value, Part):
        return type(value).__name__
    if isinstance(value, dict):
        return "GammaArrivals" if "gamma" in value else "BurstArrivals" if "bursts" in value else "Trace"
    return "plain"


Arrivals = Annotated[
    Annotated[Plain, Tag("plain")]
    | Annotated[GammaArrivals, Tag("GammaArrivals")]
    | Annotated[BurstArrivals, Tag("BurstArrivals")]
    | Annotated[Trace, Tag("Trace")],
    Discriminator(_kind),
]
"""`constant`, `poisson`, `{gamma: {cv: 2}}`, `{bursts: {on: 5s, off: 10s}}` or `{trace: FILE, format: ...}`."""


class Limits(Part):
    """The most arrivals in any sliding second and any sliding minute, over all workers; retries come on top."""

    per_second: Count | None = None
    """In any sliding second."""
    per_minute: Count | None = None
    """In any sliding minute."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.per_second is None and self.per_minute is None:
            raise ValueError("expected per_second, per_minute or both")
        return self


class OpenLoad(Part):
    """Arrivals that keep coming, however slow the relay gets."""

    kind: Literal["open"]
    """Open: arrivals ignore responses. Closed: users wait for theirs. Batch: a fixed list is run to completion."""
    arrivals: Arrivals = "poisson"
    """How arrivals are spaced: `constant`, `poisson`, `gamma`, `bursts`, or the rows of a trace."""
    max_in_flight: Count = 1000
    """The most requests at once; an arrival that finds as many is dropped, and counted."""
    limits: Limits | None = None
    """The most arrivals, whatever the stages say; a `client.quota` of requests holds retries, too."""
    stages: Annotated[Items[AnyStage], AfterValidator(named)] = ()
    """One after the other; a replay ends with the last one or the last row."""
    graceful_stop_s: Duration = 30.0
    """How long requests in flight may still take when the run is stopped; one that is through waits for them all."""


class ClosedLoad(Part):
    """Users, each of whom waits for the answer, thinks, and asks again."""

    kind: Literal["closed"]
    """Open: arrivals ignore responses. Closed: users wait for theirs. Batch: a fixed list is run to completion."""
    users: Count
    """How many, all the time."""
    think_time: ThinkTime = 0.0
    """From an answer to the user's next request: a duration, or how durations are spread."""
    stages: Annotated[Items[TimedStage], AfterValidator(named)]
    """One after the other."""
    graceful_stop_s: Duration = 30.0
    """How long requests in flight may still take when the run is stopped; one that is through waits for them all."""


class BatchLoad(Part):
    """A fixed list of requests, run to completion: it ends when the last of them does."""

    kind: Literal["batch"]
    """Open: arrivals ignore responses. Closed: users wait for theirs. Batch: a fixed list is run to completion."""
    requests: Annotated[Count, Field(le=MOST_REQUESTS)]
    """How many there are."""
    batch_size: Count | None = None
    """So many are a batch, and the next one begins when all of it have ended; without it the whole list is one."""
    max_concurrent: Count = 10
    """The most requests at once, over all workers; one that ends makes room for the next."""
    graceful_stop_s: Duration = 30.0
    """How long requests in flight may still take when the run is stopped."""


def _load(value: object) -> object:
    if not isinstance(value, dict | OpenLoad | ClosedLoad | BatchLoad):
        raise ValueError(f"expected a mapping, got {spelled(value)}")
    return value


Load = Annotated[OpenLoad | ClosedLoad | BatchLoad, Field(discriminator="kind"), BeforeValidator(_load)]
