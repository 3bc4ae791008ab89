"""Changes of a load that somebody makes while it goes on: checked, and recorded at once, whatever comes of the run."""

from relayload.core.errors import AuthorError, Fault
from relayload.core.model.amounts import MOST_CHANGES
from relayload.core.model.run import HandChange
from relayload.core.traffic.leases import LEASE_S
from relayload.core.traffic.rate_changes import RateChange
from relayload.profile import Profile
from relayload.profile.plan import fixed_rate, stages
from relayload.recording import Recording

_APART_S = 0.1
_LOCAL_LEAD_S = 1.0
_REMOTE_LEAD_S = LEASE_S
"""The lease of a worker that has not heard of a change of the rate is over before it comes."""
_RESCHEDULED_S = 1e-5
"""The time to make the schedule anew, for each arrival before the change."""


class HandChanges:
    """The changes of one run. Its rates are `multiplier` times those of the profile as it was written."""

    def __init__(self, recording: Recording, profile: Profile, multiplier: float, *, alone: bool) -> None:
        """`alone` is a master that is the only worker itself."""
        self._recording = recording
        self._profile = profile
        self._multiplier = multiplier
        self._lead_s = _LOCAL_LEAD_S if alone else _REMOTE_LEAD_S
        self._ends_at_s = min(sum(stage.for_s for stage in stages(profile)), profile.guardrails.until_s)
        self.rates: tuple[RateChange, ...] = ()

    def change_rate(self, elapsed_s: float, due: int, factor: float, by: str) -> HandChange:
        """Multiply the rates of the stages from shortly after an instant on, by which so many requests were due.

        Raises AuthorError if that can't be.
        """
        if fixed := fixed_rate(self._profile):
            raise AuthorError([Fault(fixed)])
        self._profile.web.check_multiplier(self._multiplier * factor)
        soonest_s = elapsed_s + self._lead_s + _RESCHEDULED_S * due
        at_s = max([soonest_s, *(change.at_s + _APART_S for change in self.rates[-1:])])
        if at_s >= self._ends_at_s:
            raise AuthorError([Fault("the load ends before another rate could begin")])
        change = HandChange(at_s=at_s, rate_factor=factor, by=by)
        self.record(change)
        self.rates = (*self.rates, RateChange(at_s, factor))
        return change

    def record(self, change: HandChange) -> None:
        """Record a change, which makes the verdict INCONCLUSIVE at best. Raises AuthorError for one too many."""
        before = self._recording.run.changes
        if len(before) >= MOST_CHANGES:
            raise AuthorError([Fault(f"the load was changed {MOST_CHANGES:,} times, which is the most")])
        self._recording.update(changes=(*before, change))
