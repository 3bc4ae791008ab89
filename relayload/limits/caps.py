"""What a search may spend: from the options of the command line and the guardrails of the profile."""

from dataclasses import dataclass
from decimal import Decimal

from relayload.core.errors import AuthorError, Fault
from relayload.core.limits.search import LONG_INPUT_TOKENS, Terms
from relayload.core.price import ANY, Price
from relayload.core.units import duration_s, format_duration, money, usd, whole_count
from relayload.profile import Profile
from relayload.profile.target import Target

_MAX_USD = Decimal(1)
_MOST_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line, as they were written; None where one was not given."""

    max_requests: str | None = None
    max_tokens: str | None = None
    max_usd: str | None = None
    max_time: str | None = None
    max_at_once: str | None = None
    tokens: bool = True


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that a search takes, whatever it finds."""

    requests: int
    tokens: int
    time_s: float
    at_once: int
    usd: Decimal | None
    """None where prices are unknown, so that only requests and tokens bound the cost."""
    price: Price | None
    """That of the dearest model that is asked."""

    def __str__(self) -> str:
        cost = "an unknown cost" if self.usd is None else f"${money(self.usd)}"
        return (
            f"at worst {self.requests:,} requests, {self.tokens:,} tokens, {cost} and {format_duration(self.time_s)}; "
            f"at most {self.at_once} at once"
        )


def chosen(profile: Profile, name: str | None) -> tuple[str, Target]:
    """Return the target to ask, and its name. Raises AuthorError if there are several and none is named."""
    targets = profile.named_targets
    if name is None and len(targets) > 1:
        options = ", ".join(f"--target {each}" for each in targets)
        raise AuthorError([profile.fault(("targets",), f"each target has limits of its own: add one of {options}")])
    if name is not None and name not in targets:
        raise AuthorError([Fault(f"no target is called '{name}': there is {', '.join(targets)}", path="--target")])
    found = name or next(iter(targets))
    return found, targets[found]


def models_of(profile: Profile, target: Target) -> tuple[str, ...]:
    """Return the models of the scenarios at the endpoint of the first, as the target calls them."""
    return tuple(dict.fromkeys(target.models.get(name, name) for name in _named(profile)))


def _named(profile: Profile) -> list[str]:
    """Return the names of these models in the scenarios."""
    scenarios = list(profile.scenarios.values())
    return [model for each in scenarios if each.endpoint is scenarios[0].endpoint for model in each.models]


def _price(profile: Profile, target: Target) -> Price | None:
    """Return the price of the dearest model; None if one of them has none."""
    listed = target.known_prices
    prices = [
        listed.get(name) or listed.get(target.models.get(name, name)) or listed.get(ANY) for name in _named(profile)
    ]
    known = [price for price in prices if price is not None]
    return max(known, key=lambda each: each.input + each.output) if len(known) == len(prices) else None


def caps_of(profile: Profile, target: Target, options: Options) -> Caps:
    """Return the caps: the options, and no more than the guardrails. Raises AuthorError with every fault."""
    faults: list[Fault] = []
    read = _Read(faults)
    defaults, guardrails = Terms(), profile.guardrails
    requests = read.count("--max-requests", options.max_requests, defaults.max_requests)
    tokens = read.count("--max-tokens", options.max_tokens, defaults.max_tokens)
    at_once = read.count("--max-at-once", options.max_at_once, defaults.max_at_once)
    time_s = read.seconds("--max-time", options.max_time, 600.0)
    most_usd = read.dollars("--max-usd", options.max_usd)
    price = _price(profile, target)
    if at_once > _MOST_AT_ONCE:
        faults.append(Fault(f"expected at most {_MOST_AT_ONCE}, got {at_once:,}", path="--max-at-once"))
    if price is None and options.max_usd is not None and not faults:
        faults.append(Fault("can't be kept without prices: write target.prices, or --max-tokens", path="--max-usd"))
    if faults:
        raise AuthorError(faults)
    worst = None if price is None else Decimal(tokens) * max(price.input, price.output) / 1_000_000
    amounts = [each for each in (worst, most_usd or _MAX_USD, guardrails.max_usd) if each is not None]
    return Caps(
        requests=min(requests, guardrails.max_requests or requests),
        tokens=tokens,
        time_s=min(time_s, guardrails.until_s),
        at_once=at_once,
        usd=None if price is None else min(amounts),
        price=price,
    )


def terms_of(caps: Caps, models: int, keys: int, *, tokens: bool) -> Terms:
    """Return what the search may do within the caps."""
    return Terms(
        max_requests=caps.requests,
        max_tokens=caps.tokens,
        max_at_once=caps.at_once,
        models=min(models, 2),
        keys=min(keys, 2),
        long_input_tokens=LONG_INPUT_TOKENS if tokens else (),
    )


class _Read:
    """Reads options, and keeps what is wrong with them."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults

    def count(self, name: str, text: str | None, otherwise: int) -> int:
        try:
            found = otherwise if text is None else whole_count(text)
            if found < 1:
                raise ValueError(f"expected at least 1, got '{text}'")
        except ValueError as error:
            self._faults.append(Fault(str(error), path=name))
            return otherwise
        return found

    def seconds(self, name: str, text: str | None, otherwise: float) -> float:
        try:
            found = otherwise if text is None else duration_s(text)
            if found < 1:
                raise ValueError(f"expected at least 1s, got '{text}'")
        except ValueError as error:
            self._faults.append(Fault(str(error), path=name))
            return otherwise
        return found

    def dollars(self, name: str, text: str | None) -> Decimal | None:
        try:
            found = None if text is None else usd(text)
            if found is not None and found <= 0:
                raise ValueError(f"expected more than $0, got '{text}'")
        except ValueError as error:
            self._faults.append(Fault(str(error), path=name))
            return None
        return found
