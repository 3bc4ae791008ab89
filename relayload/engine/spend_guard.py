"""Applies the guardrails to one process's requests: caps on requests and dollars, and a fuse per target.

The caps hold for all targets together; each target has a fuse of its own.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple, TypeVar

from gevent.event import AsyncResult

from relayload.core.model.record import Attempt, FailureKind, Outcome
from relayload.core.price import Price, price_of
from relayload.core.resilience.allowance import Allowance, Draw
from relayload.core.resilience.guard import Bound, Caps, Guard, Spent
from relayload.profile import Profile
from relayload.profile.job import Job

_NOTHING = Decimal(0)
_MICRO = Decimal("0.000001")
_Amount = TypeVar("_Amount", int, Decimal)
_FREE = Price(input=_NOTHING, output=_NOTHING)
_FAILED = frozenset(
    (Outcome.REJECTED, Outcome.SERVER_ERROR, Outcome.UNREACHABLE, Outcome.TIMED_OUT, Outcome.BROKEN_STREAM)
)
_KEY_REJECTED = (401, 403)


class _Waiting(NamedTuple):
    """A request for which its process has no allowance yet."""

    most_usd: Decimal | None
    admitted: AsyncResult


class SpendGuard:
    """Admits requests, reserving what each may cost, and settles them by their attempts.

    A process that runs alone has the caps to itself. Others are leased small parts of them: a request for which the
    part is too small waits, in order, until the master has given more or says that nothing is left.
    """

    def __init__(self, profile: Profile, *, alone: bool, ask: Callable[[], None]) -> None:
        targets = profile.named_targets
        caps = profile.guardrails.caps
        self.guard = Guard(caps if alone else Caps(_none_of(caps.requests), _none_of(caps.usd)))
        self._leased = not alone and caps != Caps()
        self._ask = ask
        self._waiting: deque[_Waiting] = deque()
        self._returned = self._returned_micro = 0
        self._given = self._given_micro = 0
        self._admitted_before = self._recently = 0
        self._told = self._account
        self._most_reserved_usd = _NOTHING
        self._fuses = {name: Guard(Caps(), profile.guardrails.fuse_for(target)) for name, target in targets.items()}
        self._refused_keys: dict[str, set[str]] = {name: set() for name in targets}
        """The names of the keys that a target has refused."""
        self._several = profile.several
        self._prices = {name: target.known_prices for name, target in targets.items()}
        self._counts_usd = caps.usd is not None

    @property
    def reason(self) -> str:
        """Why no more requests are admitted; empty while they are."""
        return self.guard.reason or next((self._told_of(name, fuse) for name, fuse in self._blown), "")

    @property
    def short(self) -> bool:
        """True if a request that was not admitted may be, once the master has given more."""
        return self._leased and self.guard.tripped is None and not self._blown

    def admit(self, job: Job, turn: int = 0) -> Decimal | None:
        """Return the dollars reserved for a request, to be passed to `settle`; None if it must not be sent now.

        The length of a later turn's history is not known in advance, so it is reserved at the mean cost of all.
        """
        if self._blown:
            return None
        most_usd = self._most_of(job, turn)
        if most_usd is not None and most_usd > self._most_reserved_usd:
            self._most_reserved_usd = most_usd
        if self._leased and (self._waiting or not self.guard.has_room(most_usd)) and self.guard.tripped is None:
            return None
        return self.guard.admit(most_usd)

    def wait(self, job: Job, turn: int = 0) -> Decimal | None:
        """Block until a request is admitted, with the result of `admit`. Call this if the guard is `short`."""
        waiting = _Waiting(self._most_of(job, turn), AsyncResult())
        self._waiting.append(waiting)
        try:
            self._ask()
            admitted: Decimal | None = waiting.admitted.get()
            return admitted
        except BaseException:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif waiting.admitted.value is not None:
                self.guard.cancel(waiting.admitted.value)
            raise

    def cancel(self, reserved_usd: Decimal) -> None:
        """Take back the admission of a request that was not sent after all."""
        self.guard.cancel(reserved_usd)

    def draws(self, ahead: int, *, regular: bool = True) -> tuple[Draw, Draw]:
        """Return what to say of the parts of both caps: requests and millionths of a dollar.

        `ahead` is the number of requests that this process knows it will start. More are expected at the rate of those
        since the last `regular` call.
        """
        spent = self.guard.spent
        self._recently = max(self._recently, spent.requests - self._admitted_before)
        needs = ahead + len(self._waiting) + 2 * self._recently
        if regular:
            self._recently, self._admitted_before = spent.requests - self._admitted_before, spent.requests
        self._told = self._account
        first = self._waiting[0] if self._waiting else None
        waiting_usd = _NOTHING if first is None else self.guard.reserve_of(first.most_usd)
        return (
            Draw(spent.requests, self._returned, int(first is not None), needs),
            Draw(_micro(spent.usd), self._returned_micro, _micro(waiting_usd), needs * _micro(self._most_reserved_usd)),
        )

    def take(self, requests: Allowance | None, micro_usd: Allowance | None) -> bool:
        """Take the master's answer. Return True if the master should have another renewal at once.

        That is so if it asks for what is left and does not know how much that is, or gave too few to
        requests that wait.
        """
        if not self._leased:
            return False
        before = self._given, self._given_micro
        self._given = max(self._given, requests.given) if requests else 0
        self._given_micro = max(self._given_micro, micro_usd.given) if micro_usd else 0
        self._set_caps()
        self._serve(nothing_left=any(each.nothing_left for each in (requests, micro_usd) if each))
        if requests is not None and requests.hand_back:
            self._returned = self._given - self.guard.spent.requests
        if micro_usd is not None and micro_usd.hand_back:
            self._returned_micro = self._given_micro - _micro(self.guard.spent.usd)
        self._set_caps()
        if any(each.hand_back for each in (requests, micro_usd) if each):
            return self._told != self._account
        return bool(self._waiting) and before != (self._given, self._given_micro)

    @property
    def _account(self) -> tuple[Spent, int, int]:
        return self.guard.spent, self._returned, self._returned_micro

    def _set_caps(self) -> None:
        caps = self.guard.caps
        self.guard.caps = Caps(
            None if caps.requests is None else self._given - self._returned,
            None if caps.usd is None else (self._given_micro - self._returned_micro) * _MICRO,
        )

    def _serve(self, *, nothing_left: bool) -> None:
        """Admit those that wait, in order, as far as there is room; refuse them if nothing is left."""
        while self._waiting and (nothing_left or self.guard.has_room(self._waiting[0].most_usd)):
            waiting = self._waiting.popleft()
            waiting.admitted.set(None if self._blown else self.guard.admit(waiting.most_usd))

    def _most_of(self, job: Job, turn: int) -> Decimal | None:
        return _NOTHING if not self._counts_usd else None if turn else self._most_usd(job)

    def settle(self, job: Job, reserved_usd: Decimal, attempts: Sequence[Attempt], now_s: float) -> None:
        """Account for a request that ended after these attempts."""
        if self._counts_usd:
            self.guard.settle(reserved_usd, self._paid_usd(job, attempts))
        fuse, key = self._fuses[job.target], job.addressee.key
        for attempt in attempts:
            refused = attempt.status in _KEY_REJECTED or attempt.kind is FailureKind.AUTH
            if refused and key is not None:
                self._refused_keys[job.target].add(key)
            fuse.observe(
                failed=attempt.outcome in _FAILED or attempt.kind is FailureKind.QUOTA_EXHAUSTED,
                refused=refused,
                now_s=now_s,
            )

    @property
    def _blown(self) -> list[tuple[str, Guard]]:
        return [(name, fuse) for name, fuse in self._fuses.items() if fuse.tripped is not None]

    def _told_of(self, target: str, fuse: Guard) -> str:
        """Return why a fuse has blown, at which of several targets and with which of several keys."""
        at = f" at {target}" if self._several else ""
        keys = ", ".join(sorted(self._refused_keys[target])) if fuse.tripped is Bound.AUTH_FAILURES else ""
        return f"{fuse.reason}{at}{f' (of {keys})' if keys else ''}"

    def _most_usd(self, job: Job) -> Decimal | None:
        """Return the most that the request may cost; None without a limit on its output."""
        if job.max_output_tokens is None:
            return None
        return self._price(job).usd_of(job.expected_input_tokens, job.max_output_tokens)

    def _paid_usd(self, job: Job, attempts: Sequence[Attempt]) -> Decimal | None:
        """Return what the attempts cost; None if one may have cost an amount that is not known."""
        paid, price = _NOTHING, self._price(job)
        for attempt in attempts:
            if attempt.input_tokens is None and not attempt.counted:
                if attempt.outcome is Outcome.OK or attempt.unanswered:
                    return None
                continue
            paid += price.usd_of(
                job.expected_input_tokens if attempt.input_tokens is None else attempt.input_tokens,
                attempt.output_tokens or 0,
                attempt.cached_input_tokens or 0,
                attempt.reasoning_tokens or 0,
            )
        return paid

    def _price(self, job: Job) -> Price:
        """Return the model's price; only models of a fake relay may have none, and are free."""
        return price_of(job.model, self._prices[job.target]) or _FREE


def _none_of(cap: _Amount | None) -> _Amount | None:
    """Return an empty part of a cap, if there is one."""
    return None if cap is None else cap - cap


def _micro(usd: Decimal) -> int:
    return int((usd / _MICRO).to_integral_value(ROUND_CEILING))
