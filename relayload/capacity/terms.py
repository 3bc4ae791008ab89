"""What a search may do: from a profile and the options of the command line."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from relayload.core.capacity.lengths import Lengths
from relayload.core.capacity.levels import Over
from relayload.core.capacity.terms import Terms
from relayload.core.errors import AuthorError, Fault
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.sample_forecast import SampleForecast
from relayload.core.units import duration_s, fraction, rate_per_s
from relayload.profile import Profile
from relayload.profile.forecast import Forecast
from relayload.profile.loads import ClosedLoad, OpenLoad
from relayload.profile.stages import plain
from relayload.profile.trace import Trace

_MOST_TIMES, _LEAST_PART = 32, 64
"""The bounds of the search, as multiples of its start, unless they are given."""
_MOST_LOAD_S = 1200.0
_LEAST_PRECISION, _MOST_PRECISION = 0.01, 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line, as they were written; None where one was not given."""

    over: str | None = None
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


def check(profile: Profile, over: str | None = None) -> None:
    """Raise AuthorError for a profile whose capacity can't be searched for, with what to do instead."""
    if faults := list(_faults(profile, over)):
        raise AuthorError(faults)


def terms_of(profile: Profile, options: Options) -> Terms:
    """Return the terms, with the least lengths of trials. Raises AuthorError with every fault of the options.

    A search is over what the load of the profile has: the rate of an open one, or the users of a closed one.
    """
    over = Over.USERS if isinstance(profile.load, ClosedLoad) else Over.RATE
    read = _Read(over)
    start = read.level("--start", options.start) or over.rounded(_planned_level(profile))
    at_least = read.level("--at-least", options.at_least)
    limit = _limit(profile)
    highest = read.level("--max", options.max) or min(limit, over.rounded(_MOST_TIMES * start))
    lowest = read.level("--min", options.min) or _lowest(over, min(start, highest))
    precision = read.share("--precision", options.precision) or 0.05
    over_s = max((each.options.over_s or 0.0) * each.options.for_windows for each in profile.objectives)
    lengths = Lengths(
        warmup_s=read.seconds("--warmup", options.warmup, 10.0),
        search_s=max(read.seconds("--trial", options.trial, 30.0), over_s),
        confirm_s=max(read.seconds("--confirm", options.confirm, 120.0), over_s),
    )
    most_load_s = read.seconds("--max-load", options.max_load, _MOST_LOAD_S)
    asked = {"--start": start if options.start else None, "--at-least": at_least}
    if highest >= lowest:
        read.faults += _outside(asked, lowest if options.min else 0.0, highest if options.max else math.inf, over)
    elif options.max:
        read.faults.append(Fault(f"{over.told(highest)} is below --min, {over.told(lowest)}", path="--max"))
    else:
        text = f"{over.told(lowest)} is above the highest level, {over.told(highest)}: write --max, too"
        read.faults.append(Fault(text, path="--min"))
    for name, level in ({"--max": highest} | asked).items():
        if level is not None and level > limit:
            text = f"{over.told(level)} is above load.limits of the profile, {over.told(limit)}"
            read.faults.append(Fault(text, path=name))
    if read.faults:
        raise AuthorError(read.faults)
    return Terms(
        over=over,
        start=start,
        lowest=lowest,
        highest=highest,
        precision=precision,
        at_least=at_least,
        lengths=lengths,
        most_trials=options.max_trials,
        most_load_s=min(most_load_s, profile.guardrails.until_s),
    )


def _outside(levels: Mapping[str, float | None], lowest: float, highest: float, over: Over) -> Iterator[Fault]:
    """Yield a fault for each level that lies outside the bounds."""
    for name, level in levels.items():
        if level is not None and level < lowest:
            yield Fault(f"{over.told(level)} is below --min, {over.told(lowest)}", path=name)
        if level is not None and level > highest:
            yield Fault(f"{over.told(level)} is above --max, {over.told(highest)}", path=name)


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
    requests: int | None
    """None where nothing bounds them: users ask again as soon as they are answered."""
    usd: Decimal | None
    """None where the price of a request is unknown, or their number."""


def worst_case(profile: Profile, terms: Terms, forecast: Forecast, probes: int = 0) -> WorstCase:
    """Return the most that the search can take, these probes included: its caps, and the guardrails of the profile."""
    assert forecast.total is not None
    guardrails, highest = profile.guardrails, terms.at_least or terms.highest
    sent = int(terms.most_load_s * highest) + probes if terms.over is Over.RATE else None
    requests = min((most for most in (sent, guardrails.max_requests) if most is not None), default=None)
    each = forecast.total.max_usd
    usd = None if each is None or requests is None else each / max(1, forecast.total.arrivals) * requests
    bounded = [amount for amount in (usd, guardrails.max_usd) if amount is not None]
    return WorstCase(terms.most_trials, terms.most_load_s, requests, min(bounded, default=None))


def _of_all(objective: Objective, found: SampleForecast, needed: int, requests: int) -> float:
    if objective.options.over_s is not None or not found.samples or needed <= 1:
        return 1.0
    return needed * requests / found.samples


def _faults(profile: Profile, over: str | None) -> Iterator[Fault]:
    load = profile.load
    if isinstance(load, OpenLoad):
        yield from _open_faults(profile, load, over)
    elif not isinstance(load, ClosedLoad):
        instead = "write kind: open, or kind: closed to search over users"
        yield profile.fault(("load", "kind"), f"a {load.kind} load has no rate to search for: {instead}")
    elif over == Over.RATE:
        instead = "leave out --over rate to search over its users, or write kind: open"
        yield profile.fault(("load", "kind"), f"a closed load has no rate to search for: {instead}")
    if not any(each.options.severity == "error" for each in profile.objectives):
        yield profile.fault(("objectives",), "a capacity is the most load that meets objectives: write some")
    if profile.several:
        yield profile.fault(("targets",), "each target has a capacity of its own: name one as target")


def _open_faults(profile: Profile, load: OpenLoad, over: str | None) -> Iterator[Fault]:
    if over == Over.USERS:
        instead = "leave out --over users to search over its rate, or write kind: closed with users"
        yield profile.fault(("load", "kind"), f"an open load has no users: {instead}")
    elif isinstance(load.arrivals, Trace):
        instead = "write arrivals: poisson with a stage, or replay it at several speeds with relayload run"
        yield profile.fault(("load", "arrivals"), f"a trace has its own rates: {instead}")
    elif not _planned_level(profile):
        yield profile.fault(("load", "stages"), "has no measured stage with a rate to start from")


def _planned_level(profile: Profile) -> float:
    """Return the users, or the highest rate per second of the measured stages."""
    load = profile.load
    if isinstance(load, ClosedLoad):
        return load.users
    assert isinstance(load, OpenLoad)
    rates = [max(stage.rate_per_s, stage.to_per_s or 0.0) for stage in plain(load.stages) if not stage.warmup]
    return max(rates, default=0.0)


def _lowest(over: Over, start: float) -> float:
    return max(over.step, over.rounded(start / _LEAST_PART))


def _limit(profile: Profile) -> float:
    """Return the highest rate per second that `load.limits` lets through."""
    limits = profile.load.limits if isinstance(profile.load, OpenLoad) else None
    if limits is None:
        return float("inf")
    return min(limits.per_second or float("inf"), (limits.per_minute or float("inf")) / 60)


class _Read:
    """Reads options, and keeps what is wrong with them."""

    def __init__(self, over: Over) -> None:
        self.faults: list[Fault] = []
        self._over = over

    def level(self, name: str, text: str | None) -> float | None:
        """Return the rate per second, or the users; None without one."""
        try:
            return None if text is None else self._over.rounded(_LEVELS[self._over](text))
        except ValueError as error:
            self.faults.append(Fault(f"{error}, since the load is {_LOADS[self._over]}", path=name))
            return None

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


def _rate(text: str) -> float:
    """Read a rate above 0. Raises ValueError if it is none."""
    found = rate_per_s(text)
    if not found:
        raise ValueError("expected a rate above 0")
    return found


def _users(text: str) -> float:
    """Read a number of users. Raises ValueError if it is none."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"expected a number of users such as '10', got '{text}'")
    return float(text)


_LEVELS: Mapping[Over, Callable[[str], float]] = {Over.RATE: _rate, Over.USERS: _users}
_LOADS = {Over.RATE: "open", Over.USERS: "closed"}
