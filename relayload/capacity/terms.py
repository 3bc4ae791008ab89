"""What a search may do: from a profile and the options of the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from relayload.core.capacity.lengths import Lengths
from relayload.core.capacity.search import Terms, rounded
from relayload.core.errors import AuthorError, Fault
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.sample_forecast import SampleForecast
from relayload.core.units import duration_s, fraction, rate_per_s
from relayload.profile import Profile
from relayload.profile.forecast import Forecast
from relayload.profile.loads import OpenLoad
from relayload.profile.stages import plain
from relayload.profile.trace import Trace

_MOST_TIMES, _LEAST_PART = 32, 64
"""The bounds of the search, as multiples of its start, unless they are given."""
_MOST_LOAD_S = 1200.0
_LEAST_PRECISION, _MOST_PRECISION = 0.01, 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line, as they were written; None where one was not given."""

    start: str | None = None
    min: str | None = None
    max: str | None = None
    precision: str | None = None
    at_least: str | None = None
    warmup: str | None = None
    trial: str | None = None
    confirm: str | None = None
    max_load: str | None = None
    max_trials: int = 40


def check(profile: Profile) -> None:
    """Raise AuthorError for a profile whose capacity can't be searched for, with what to do instead."""
    if faults := list(_faults(profile)):
        raise AuthorError(faults)


def terms_of(profile: Profile, options: Options) -> Terms:
    """Return the terms, with the least lengths of trials. Raises AuthorError with every fault of the options."""
    read = _Read()
    assert isinstance(profile.load, OpenLoad)
    start = read.rate("--start", options.start) or _planned_rate(profile.load)
    at_least = read.rate("--at-least", options.at_least)
    limit = _limit(profile.load)
    most = read.rate("--max", options.max) or min(limit, rounded(_MOST_TIMES * start))
    least = read.rate("--min", options.min) or rounded(min(start, most) / _LEAST_PART)
    precision = read.share("--precision", options.precision) or 0.05
    over_s = max((each.options.over_s or 0.0) * each.options.for_windows for each in profile.objectives)
    lengths = Lengths(
        warmup_s=read.seconds("--warmup", options.warmup, 10.0),
        search_s=max(read.seconds("--trial", options.trial, 30.0), over_s),
        confirm_s=max(read.seconds("--confirm", options.confirm, 120.0), over_s),
    )
    most_load_s = read.seconds("--max-load", options.max_load, _MOST_LOAD_S)
    if most < least:
        read.faults.append(Fault(f"{most:g}/s is below --min, {least:g}/s", path="--max"))
    for name, rate in (("--max", most), ("--at-least", at_least or 0.0)):
        if rate > limit:
            read.faults.append(Fault(f"{rate:g}/s is above load.limits of the profile, {limit:g}/s", path=name))
    if read.faults:
        raise AuthorError(read.faults)
    return Terms(
        start_per_s=start,
        min_per_s=least,
        max_per_s=most,
        precision=precision,
        at_least_per_s=at_least,
        lengths=lengths,
        most_trials=options.max_trials,
        most_load_s=min(most_load_s, profile.guardrails.until_s),
    )


def samples_of(profile: Profile, forecast: Forecast) -> tuple[float, float]:
    """Return how many requests the rarest objective needs to be decided, and proven, of all that are sent."""
    assert forecast.total is not None
    requests = forecast.total.arrivals
    pairs = list(zip(profile.objectives, forecast.objectives, strict=True))
    decide = max((_of_all(each, found, found.needed, requests) for each, found in pairs), default=1.0)
    prove = max((_of_all(each, found, found.to_prove, requests) for each, found in pairs), default=1.0)
    return decide, prove


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The most that a search can take, whatever it finds."""

    trials: int
    load_s: float
    requests: int
    usd: Decimal | None
    """None where the price of a request is unknown."""


def worst_case(profile: Profile, terms: Terms, forecast: Forecast) -> WorstCase:
    """Return the most that the search can take: its caps, and the guardrails of the profile."""
    assert forecast.total is not None
    guardrails, most_per_s = profile.guardrails, terms.at_least_per_s or terms.max_per_s
    requests = min(int(terms.most_load_s * most_per_s), guardrails.max_requests or 10**12)
    each = forecast.total.max_usd
    usd = None if each is None else each / max(1, forecast.total.arrivals) * requests
    bounded = [amount for amount in (usd, guardrails.max_usd) if amount is not None]
    return WorstCase(terms.most_trials, terms.most_load_s, requests, min(bounded, default=None))


def _of_all(objective: Objective, found: SampleForecast, needed: int, requests: int) -> float:
    if objective.options.over_s is not None or not found.samples or needed <= 1:
        return 1.0
    return needed * requests / found.samples


def _faults(profile: Profile) -> Iterator[Fault]:
    load = profile.load
    if not isinstance(load, OpenLoad):
        yield profile.fault(("load", "kind"), f"a {load.kind} load has no rate to search for: write kind: open")
    elif isinstance(load.arrivals, Trace):
        instead = "write arrivals: poisson with a stage, or replay it at several speeds with relayload run"
        yield profile.fault(("load", "arrivals"), f"a trace has its own rates: {instead}")
    elif not _planned_rate(load):
        yield profile.fault(("load", "stages"), "has no measured stage with a rate to start from")
    if not any(each.options.severity == "error" for each in profile.objectives):
        yield profile.fault(("objectives",), "a capacity is the highest rate that meets objectives: write some")
    if profile.several:
        yield profile.fault(("targets",), "each target has a capacity of its own: name one as target")


def _planned_rate(load: OpenLoad) -> float:
    """Return the highest rate per second of the measured stages."""
    rates = [max(stage.rate_per_s, stage.to_per_s or 0.0) for stage in plain(load.stages) if not stage.warmup]
    return max(rates, default=0.0)


def _limit(load: OpenLoad) -> float:
    """Return the highest rate per second that `load.limits` lets through."""
    limits = load.limits
    if limits is None:
        return float("inf")
    return min(limits.per_second or float("inf"), (limits.per_minute or float("inf")) / 60)


class _Read:
    """Reads options, and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def rate(self, name: str, text: str | None) -> float | None:
        """Return the rate per second; None without one."""
        try:
            found = None if text is None else rate_per_s(text)
            if found == 0:
                raise ValueError("expected a rate above 0")
        except ValueError as error:
            self.faults.append(Fault(str(error), path=name))
            return None
        return None if found is None else rounded(found)

    def seconds(self, name: str, text: str | None, otherwise: float) -> float:
        try:
            found = otherwise if text is None else duration_s(text)
            if found < 1:
                raise ValueError("expected at least 1s")
        except ValueError as error:
            self.faults.append(Fault(str(error), path=name))
            return otherwise
        return found

    def share(self, name: str, text: str | None) -> float | None:
        try:
            found = None if text is None else fraction(text)
            if found is not None and not _LEAST_PRECISION <= found <= _MOST_PRECISION:
                raise ValueError(f"expected between 1% and 50%, got '{text}'")
        except ValueError as error:
            self.faults.append(Fault(str(error), path=name))
            return None
        return found
