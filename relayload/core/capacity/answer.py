"""What a capacity search found: `capacity.json`."""

from enum import StrEnum

from msgspec import Struct

from relayload.core.capacity.advice import Advice
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.frontier import FrontierPoint
from relayload.core.capacity.full_queue import FullQueue
from relayload.core.capacity.levels import Over
from relayload.core.capacity.model_use import ModelUse
from relayload.core.capacity.recovery import Rest
from relayload.core.capacity.trial import Binding, Trial
from relayload.core.exit_codes import ExitCode
from relayload.core.price import Price

SCHEMA_VERSION = 1


class Kind(StrEnum):
    """The kinds of answers."""

    INTERVAL = "interval"
    """The capacity lies between a level of load that is proven and a higher one that is refuted."""
    AT_LEAST = "at_least"
    """The highest level that was allowed, or asked for, is proven."""
    BELOW = "below"
    """The level that was asked for is refuted."""
    NONE = "none"
    """The lowest level that was allowed fails, too."""
    GENERATOR_BOUND = "generator_bound"
    """Above the level that was found, the generator was the bottleneck; the relay may carry more."""
    QUOTA = "quota"
    """429s at a constant ceiling end it: what was found is a quota, and no capacity."""
    UNSTEADY = "unsteady"
    """A level failed well below one that had passed."""
    NOT_CONVERGED = "not_converged"
    """A cap, a guardrail or a person ended the search first."""


_PROVEN = {Kind.INTERVAL: ExitCode.PASS, Kind.AT_LEAST: ExitCode.PASS}
_REFUTED = (Kind.NONE, Kind.BELOW)


class Capacity(Struct, frozen=True, kw_only=True):
    """The answer, with every trial. Rates are arrivals per second of an open load, and users those of a closed one."""

    answer: Kind
    reason: str
    """The answer in one sentence."""
    exit_code: int
    over: Over = Over.RATE
    """What was searched over: it tells whether rates or users were found."""
    proven_per_s: float | None = None
    """The highest rate that a confirmation proved."""
    refuted_per_s: float | None = None
    """The lowest rate above it that failed by a bound."""
    estimate_per_s: float | None = None
    """The likeliest capacity, by all trials: an estimate without a bound. None unless they lie on both sides of it."""
    proven_users: int | None = None
    """The most users with which a confirmation was proven; this and the next two as the rates above."""
    refuted_users: int | None = None
    estimate_users: int | None = None
    binding: Binding | None = None
    """What binds: the objective that fails first above what is proven, or the nearest to its limit if none does."""
    ceiling: Ceiling | None = None
    """The quota that was found, if 429s alone fail the lowest levels."""
    queue: FullQueue | None = None
    """The bounded queue that was found, if its refusals alone fail the lowest levels."""
    profile: str = ""
    profile_sha256: str = ""
    precision: float = 0.05
    load_s: float = 0.0
    """The seconds of load of all trials."""
    requests: int = 0
    """Those of all trials, and the probes before and between them."""
    usd: float | None = None
    """What they cost."""
    probes: int = 0
    probes_usd: float = 0.0
    rest: Rest | None = None
    """How fast the relay was before the first trial; None if no probe could tell."""
    frontier: tuple[FrontierPoint, ...] = ()
    """How much load keeps p99 within each of several limits."""
    advice: Advice | None = None
    """What the answer means for a client; None where nothing is proven and no quota was found."""
    models: dict[str, ModelUse] = {}
    """What a request takes, by model; empty in files that predate it."""
    prices: dict[str, Price] = {}
    """The prices of those models at the target, in US dollars per million tokens, as far as they are known."""
    trials: tuple[Trial, ...] = ()
    schema_version: int = SCHEMA_VERSION


def exit_code(kind: Kind, *, refuted: bool = True) -> int:
    """Return the exit code of an answer: FAIL only if what failed is refuted."""
    if kind in _REFUTED:
        return ExitCode.FAIL if refuted else ExitCode.UNPROVEN
    return _PROVEN.get(kind, ExitCode.UNPROVEN)
