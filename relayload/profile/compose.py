"""The requests of a profile: resolves an arrival into its job, which is the same in every process."""

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.blocks import Blocks
from relayload.core.traffic.draws import Mix
from relayload.profile.job import Addressee, Job, ScenarioComposer
from relayload.profile.loads import OpenLoad
from relayload.profile.model import Profile
from relayload.profile.trace import Trace


class Composer:
    """Resolves the arrivals of a profile. A job depends on the seed and the arrival alone."""

    def __init__(self, profile: Profile) -> None:
        self._seed = profile.seed
        self._shares = None if profile.paired else Mix(profile.target_shares)
        self._addressees = {
            name: Addressee(name, target.models, target.form, target.local)
            for name, target in profile.named_targets.items()
        }
        self._by_position = tuple(self._addressees.values())
        blocks = Blocks(profile.seed)
        load = profile.load
        if isinstance(load, OpenLoad) and isinstance(load.arrivals, Trace):
            blocks.prepare()
        self._scenarios = tuple(
            ScenarioComposer(profile.seed, name, scenario, blocks, profile.timeouts)
            for name, scenario in profile.scenarios.items()
        )

    def job(self, arrival: Arrival) -> Job:
        """Resolve an arrival: choose its target and what it asks for."""
        return self._scenarios[arrival.scenario].job(arrival, self._addressee(arrival))

    def _addressee(self, arrival: Arrival) -> Addressee:
        if self._shares is None:
            return self._by_position[arrival.target]
        if arrival.session is not None:
            return self._addressees[self._shares.draw(self._seed, 0, f"target:{arrival.session}")]
        return self._addressees[self._shares.draw(self._seed, arrival.index, "target")]
