"""The plan of a run, step by step: lines of its log, which `--verbose` shows."""

from collections.abc import Iterator

from relayload.profile import Profile
from relayload.profile.loads import ClosedLoad
from relayload.profile.plan import stages
from relayload.profile.scenario import Scenario
from relayload.profile.target import Target


def steps(profile: Profile) -> Iterator[str]:
    """Yield the load of a run, and how each scenario is sent to each target."""
    users = f" of {profile.load.users} users" if isinstance(profile.load, ClosedLoad) else ""
    names = ", ".join(stage.name for stage in stages(profile))
    yield f"read {profile.source}: '{profile.name}', a load of kind {profile.load.kind}{users}, stages {names}"
    for name, target in profile.named_targets.items():
        yield f"{name}: {target.base_url} by the driver {profile.driver}; {_form(target)}"
    for name, scenario in profile.scenarios.items():
        yield f"scenario {name}: {_request(scenario)}"


def _form(target: Target) -> str:
    usage = "streams ask for their usage" if target.stream_options else "streams do not ask for their usage"
    return f"dialect {target.dialect}, budgets in {target.max_tokens_field}, {usage}"


def _request(scenario: Scenario) -> str:
    how = "streamed" if scenario.streams else "in one piece"
    return f"POST {scenario.endpoint.path}, {', '.join(scenario.models)}, {how}"
