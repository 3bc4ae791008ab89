"""The requests of a profile: resolves an arrival into its job, which is the same in every process."""

from collections.abc import Sequence

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.blocks import Blocks
from relayload.core.traffic.draws import Mix
from relayload.profile.job import Addressee, Job, ScenarioComposer
from relayload.profile.loads import OpenLoad
from relayload.profile.model import Profile
from relayload.profile.plan import stages
from relayload.profile.target import Target
from relayload.profile.trace import Trace


class Composer:
    """Resolves the arrivals of a profile. A job depends on the seed and the arrival alone."""

    def __init__(self, profile: Profile) -> None:
        self._seed = profile.seed
        self._shares = None if profile.paired else Mix(profile.target_shares)
        names = [stage.name for stage in stages(profile)]
        self._addressees = {name: _Addressees(name, target, names) for name, target in profile.named_targets.items()}
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
            addressees = self._by_position[arrival.target]
        else:
            addressees = self._addressees[_drawn(self._shares, self._seed, arrival, "target")]
        return addressees.only or addressees.drawn(self._seed, arrival)


class _Addressees:
    """What requests need to know of a target, for each of its keys."""

    def __init__(self, name: str, target: Target, stage_names: Sequence[str]) -> None:
        alike = Addressee(name, target.models, target.form, target.local)
        self._by_stage = [Mix(target.key_shares(stage)) for stage in stage_names]
        self._of_sessions = Mix(target.key_shares())
        self._by_key = {key: alike._replace(key=key) for key in target.key_names}
        self.only = None if self._by_key else alike
        """None if the keys have names."""

    def drawn(self, seed: int, arrival: Arrival) -> Addressee:
        """Draw a key for an arrival, by the shares in its stage; those of one session have one key in all stages."""
        mix = self._by_stage[arrival.stage] if arrival.session is None else self._of_sessions
        return self._by_key[_drawn(mix, seed, arrival, "key")]


def _drawn(mix: Mix, seed: int, arrival: Arrival, name: str) -> str:
    """Draw for an arrival; those of one session have all in common."""
    if arrival.session is not None:
        return mix.draw(seed, 0, f"{name}:{arrival.session}")
    return mix.draw(seed, arrival.index, name)
