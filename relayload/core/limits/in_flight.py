"""Whether a relay counts what is in flight, and for whom."""

from collections.abc import Generator, Sequence

from relayload.core.limits.findings import Counts, FoundLimit
from relayload.core.limits.known import Known
from relayload.core.limits.observation import Pause, Seen, Volley
from relayload.core.limits.results import per_of, per_unknown
from relayload.core.limits.steps import Steps

Asked = Generator[Volley | Pause, tuple[float, Sequence[Seen]], bool]
Told = Generator[Volley | Pause, tuple[float, Sequence[Seen]], bool | None]
Asking = Generator[Volley | Pause, tuple[float, Sequence[Seen]], FoundLimit]

_HELD_TOKENS = 64
"""The length of answers that hold their place for a while."""
_LATE = 0.7
"""When another request is sent, as a part of how long the others take."""
_LATE_OTHER = 0.4
"""Likewise, when that one is of another model or key."""


class InFlight:
    """Asks with answers that are long enough to hold their place for a while."""

    def __init__(self, known: Known, models: int, keys: int) -> None:
        """So many `models` and `keys` can be asked."""
        self._known = known
        self._models, self._keys = models, keys
        self._held_s = 0.0
        """How long answers hold their place, at least."""

    def counts(self, number: int, passed: int) -> Asked:
        """Return whether it counts what is in flight: it refuses as long as that lasts, and no longer.

        The first excludes windows shorter than an answer takes, the second longer ones.
        """
        known = self._known
        yield from self._all_ended()
        yield from known.wait_for_room(number)
        again = yield from known.do(
            Volley(requests=number, at_once=number, until_refused=False, output_tokens=_HELD_TOKENS)
        )
        held = [each for each in again if each.admitted]
        if len(held) != passed:
            return False
        took_s = self._held_s = min(each.answered_at_s - each.at_s for each in held)
        yield from self._all_ended()
        yield from known.wait_for_room(2 * passed + 1)
        late = yield from known.do(
            Volley(
                requests=passed,
                at_once=passed,
                until_refused=False,
                output_tokens=_HELD_TOKENS,
                late_s=_LATE * took_s,
            )
        )
        if len(late) != passed + 1 or not late[-1].refused or not all(each.admitted for each in late[:-1]):
            return False
        yield from self._all_ended()
        yield from known.wait_for_room(passed)
        over = yield from known.do(Volley(requests=passed, at_once=passed, until_refused=False))
        return all(each.admitted for each in over)

    def _all_ended(self) -> Steps:
        """Wait until the relay, too, takes what was answered for ended."""
        yield from self._known.do(Pause(self._known.now_s + self._known.tolerance_s))

    def limit(self, amount: int) -> Asking:
        """Ask which of models and keys have a counter of their own, and return the limit."""
        self._known.tell("does it count per key or per model?")
        model = (yield from self._passes_beside(amount, model=1, key=0)) if self._models > 1 else None
        key = (yield from self._passes_beside(amount, model=0, key=1)) if self._keys > 1 else None
        per = per_of(model, key)
        not_told = () if per else (f"per key or model: {per_unknown(self._models, self._keys, model, key)}",)
        return FoundLimit(counts=Counts.CONCURRENT, amount=amount, per=per, not_told=not_told)

    def _passes_beside(self, amount: int, model: int, key: int) -> Told:
        """Return whether another one passes while so many are in flight; None where others were refused, too."""
        known = self._known
        yield from self._all_ended()
        yield from known.wait_for_room(amount + 1)
        late = Volley(requests=1, model=model, key=key)
        held = Volley(
            requests=amount,
            at_once=amount,
            until_refused=False,
            output_tokens=_HELD_TOKENS,
            late_s=_LATE_OTHER * self._held_s,
            late=late,
        )
        seen = yield from known.do(held)
        (other,) = [each for each in seen if (each.model, each.key) == (model, key)]
        full = sum(each.admitted and each.answered_at_s > other.at_s for each in seen if each is not other) == amount
        return other.admitted if full and (other.admitted or other.refused) else None
