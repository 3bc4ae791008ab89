"""Makes Locust User classes from a profile, one per scenario."""

from locust import User, task

from typing import ClassVar

import gevent

from relayload.engine.targets import shown
from relayload.locust_plugin.locust_stats import row_names
from relayload.locust_plugin.plugin import LocustPlugin
from relayload.profile import Profile
from relayload.profile.loads import ClosedLoad
from relayload.profile.scenario import class_name

_FOREVER_S = 86400.0
_UNASSIGNED_S = 0.2
"""The pause of a user between two runs, or whose worker joined late and has no share of the run yet."""


class ScenarioUser(User):
    """A user of one scenario.

    In a closed load it sends, waits for the answer and thinks. In other loads the executor starts the requests, and the
    user is there only because Locust has no test without users.
    """

    abstract = True
    plugin: LocustPlugin
    scenario_number = 0
    rows: ClassVar[frozenset[str]] = frozenset()
    """The names under which Locust's statistics count its requests."""
    closed = False
    think_time_s = 0.0

    def wait_time(self) -> float:
        return self.think_time_s

    @task
    def take_turn(self) -> None:
        generator = self.plugin.generator
        if not self.closed:
            gevent.sleep(_FOREVER_S)
        elif generator is None or not generator.busy:
            gevent.sleep(_UNASSIGNED_S)
        else:
            self.think_time_s = generator.turn(self.scenario_number)


def scenario_users(profile: Profile, plugin: LocustPlugin, module: str) -> dict[str, type[User]]:
    """Return one class per scenario, by name; the audit has no users of its own in a closed load.

    `module` is the locustfile's `__name__`, where Locust looks for it.
    """
    closed = isinstance(profile.load, ClosedLoad)
    keys = {name: target.key_names or (None,) for name, target in profile.named_targets.items()}
    return {
        class_name(scenario): type(
            class_name(scenario),
            (ScenarioUser,),
            {
                "__module__": module,
                "__doc__": f"Scenario {scenario!r} of profile {profile.name!r}.",
                "abstract": False,
                "host": shown(profile),
                "rows": row_names(scenario, keys),
                "plugin": plugin,
                "scenario_number": number,
                "closed": closed,
                "weight": spec.weight,
            },
        )
        for number, (scenario, spec) in enumerate(profile.scenarios.items())
        if not (closed and scenario in profile.audit_scenarios)
    }
