"""The spacing of arrivals: `arrivals:` of a load, unless it replays a trace.

The mean rate is always that of the stage: the spacing changes when requests come, and not how many.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from relayload.core.traffic.process import Bursts, Process, Spacing
from relayload.document.validation import nearest
from relayload.profile.types import Duration, Number, Part

_PLAIN = ("constant", "poisson")
_KNOWN = (*_PLAIN, "{gamma: {cv: 2}}", "{bursts: {on: 5s, off: 10s}}", "{trace: FILE, format: azure}")
_KNOWN_WITHIN = (*_PLAIN, "{gamma: {cv: 2}}")


class Gamma(Part):
    """Gaps of a gamma distribution."""

    cv: Annotated[Number, Field(ge=0.01, le=20)]
    """Standard deviation over mean: 1 is poisson, less is more even, more comes in clumps."""


class GammaArrivals(Part):
    """Clumped, or more even than chance."""

    gamma: Gamma
    """How unevenly they are spaced."""

    @property
    def process(self) -> Process:
        return Process(Spacing.GAMMA, self.gamma.cv)


def _plain(known: tuple[str, ...]) -> BeforeValidator:
    def validate(value: object) -> object:
        if isinstance(value, str) and value not in _PLAIN:
            raise ValueError(f"unknown arrivals '{value}'{nearest(value, known)}")
        return value

    return BeforeValidator(validate)


Steady = Annotated[
    Annotated[Literal["constant", "poisson"], _plain(_KNOWN_WITHIN), Tag("plain")]
    | Annotated[GammaArrivals, Tag("GammaArrivals")],
    Discriminator(lambda value: "GammaArrivals" if isinstance(value, dict | Part) else "plain"),
]

_Length = Annotated[Duration, Field(ge=0.01)]


class OnOff(Part):
    """Times with arrivals, and times without."""

    on: _Length
    """How long arrivals come."""
    off: _Length
    """How long none come."""
    lengths: Literal["fixed", "exponential"] = "fixed"
    """Every time as long as that, or drawn with that mean."""
    within: Steady = "poisson"
    """How arrivals are spaced while they are on."""


class BurstArrivals(Part):
    """On and off in turn. The rate of a stage is the mean over both, so it is higher while they are on."""

    bursts: OnOff
    """When they come."""

    @property
    def process(self) -> Process:
        within = process(self.bursts.within)
        times = Bursts(self.bursts.on, self.bursts.off, self.bursts.lengths == "exponential")
        return Process(within.spacing, within.cv, times)


Plain = Annotated[Literal["constant", "poisson"], _plain(_KNOWN)]


def process(arrivals: Literal["constant", "poisson"] | GammaArrivals | BurstArrivals) -> Process:
    """Return the arrival process of that spacing."""
    return Process(Spacing(arrivals)) if isinstance(arrivals, str) else arrivals.process
