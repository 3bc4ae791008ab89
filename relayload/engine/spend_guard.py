"""Applies the guardrails to one process's requests: caps on requests and dollars, and a fuse per target.

The caps hold for all targets together; each target has a fuse of its own.
"""

from collections.abc import Sequence
from decimal import Decimal

from relayload.core.model.record import Attempt, FailureKind, Outcome
from relayload.core.price import Price, price_of
from relayload.core.resilience.guard import Caps, Guard
from relayload.profile import Profile
from relayload.profile.job import Job

_NOTHING = Decimal(0)
_FREE = Price(input=_NOTHING, output=_NOTHING)
_FAILED = frozenset(
    (Outcome.REJECTED, Outcome.SERVER_ERROR, Outcome.UNREACHABLE, Outcome.TIMED_OUT, Outcome.BROKEN_STREAM)
)
_KEY_REJECTED = (401, 403)


class SpendGuard:
    """Admits requests, reserving what each may cost, and settles them by their attempts."""

    def __init__(self, profile: Profile, caps: Caps) -> None:
        targets = profile.named_targets
        self.guard = Guard(caps)
        self._fuses = {name: Guard(Caps(), profile.guardrails.fuse_for(target)) for name, target in targets.items()}
        self._several = profile.several
        self._prices = {name: target.known_prices for name, target in targets.items()}
        self._counts_usd = caps.usd is not None

    @property
    def reason(self) -> str:
        """Why no more requests are admitted; empty while they are."""
        told = [f"{fuse.reason} at {name}" if self._several else fuse.reason for name, fuse in self._blown]
        return self.guard.reason or next(iter(told), "")

    def admit(self, job: Job, turn: int = 0) -> Decimal | None:
        """Return the dollars reserved for a request, to be passed to `settle`; None if it must not be sent.

        The length of a later turn's history is not known in advance, so it is reserved at the mean cost of all.
        """
        if self._blown:
            return None
        return self.guard.admit(_NOTHING if not self._counts_usd else None if turn else self._most_usd(job))

    def settle(self, job: Job, reserved_usd: Decimal, attempts: Sequence[Attempt], now_s: float) -> None:
        """Account for a request that ended after these attempts."""
        if self._counts_usd:
            self.guard.settle(reserved_usd, self._paid_usd(job, attempts))
        fuse = self._fuses[job.target]
        for attempt in attempts:
            fuse.observe(
                failed=attempt.outcome in _FAILED or attempt.kind is FailureKind.QUOTA_EXHAUSTED,
                refused=attempt.status in _KEY_REJECTED or attempt.kind is FailureKind.AUTH,
                now_s=now_s,
            )

    @property
    def _blown(self) -> list[tuple[str, Guard]]:
        return [(name, fuse) for name, fuse in self._fuses.items() if fuse.tripped is not None]

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
