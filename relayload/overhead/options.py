"""How a measurement goes about it: how many pairs, at which rates, for how long."""

from collections.abc import Callable
from dataclasses import dataclass

from relayload.core.errors import AuthorError, Fault
from relayload.core.units import duration_s, rate_per_s

WARM_PAIRS = 10
"""The pairs that come first in every series of single requests, and are left out: connections are opened by then."""
SHARES = (0.25, 0.5, 0.75)
PAIRS = 400
FEWEST_PAIRS = 80
"""What a median and a p95 take, and some more."""
ALONE_S = 40.0
"""How long single requests may take in a phase, unless the number of pairs is asked for."""
WARM_S = 3.0
LOADED_S, MOST_LOADED_S = 20.0, 60.0
TRIAL_WARM_S, TRIAL_S = 1.0, 4.0
MOST_RATE_PER_S = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was asked for."""

    pairs: int | None = None
    """The pairs of single requests; None for as many as 40 s have room for, 400 at most."""
    held_per_s: float | None = None
    """The rate that the slowest holds; None to search for it."""
    loaded: bool = True
    loaded_s: float | None = None
    """How long a phase under load lasts; None for as long as it takes to have enough pairs, within bounds."""

    def pairs_of(self, pair_s: float) -> int:
        """Return how many pairs to send, given how long one takes."""
        if self.pairs is not None:
            return self.pairs
        return max(FEWEST_PAIRS, min(PAIRS, int(ALONE_S / max(pair_s, 1e-6))))

    def loaded_for_s(self, rate_per_s: float) -> float:
        """Return how long a phase under load lasts: until there are enough pairs, within bounds."""
        return self.loaded_s or min(MOST_LOADED_S, max(LOADED_S, round(PAIRS / rate_per_s)))


def terms_of(pairs: int | None, held: str | None, load_for: str | None, *, loaded: bool) -> Terms:
    """Return the terms of options as they were written. Raises AuthorError."""
    faults: list[Fault] = []
    held_per_s = _above_0("--held", held, rate_per_s, "a rate such as 40/s", faults)
    loaded_s = _above_0("--load-for", load_for, duration_s, "a time such as 20s", faults)
    if not loaded:
        faults += [Fault("goes without --no-load", path=path) for path, given in _loads(held, load_for) if given]
    if faults:
        raise AuthorError(faults)
    return Terms(pairs=pairs, held_per_s=held_per_s, loaded=loaded, loaded_s=loaded_s)


def _loads(held: str | None, load_for: str | None) -> tuple[tuple[str, str | None], ...]:
    return ("--held", held), ("--load-for", load_for)


def _above_0(
    path: str, text: str | None, read: Callable[[str], float], wanted: str, faults: list[Fault]
) -> float | None:
    if text is None:
        return None
    try:
        if (value := read(text)) > 0:
            return value
        faults.append(Fault(f"expected {wanted}, above 0, got '{text}'", path=path))
    except ValueError as error:
        faults.append(Fault(str(error), path=path))
    return None


def at_most_requests(terms: Terms, targets: int) -> int:
    """Return how many requests are sent one at a time, at most; the direct way counts twice among the targets."""
    pairs = (terms.pairs or PAIRS) + WARM_PAIRS
    return WARM_PAIRS * targets + 2 * pairs + pairs * (targets - 1)


def loaded_requests(terms: Terms, held_per_s: float, targets: int) -> int:
    """Return about how many requests the phases under load send."""
    rates = [share * held_per_s for share in SHARES]
    return round(targets * sum(rate * (WARM_S + terms.loaded_for_s(rate)) for rate in rates))
