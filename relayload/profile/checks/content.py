"""A profile as it was written, as far as it has the right shape."""

from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from relayload.core.resilience.breakers import Scope
from relayload.core.wire.request import Endpoint
from relayload.document import Document, Location
from relayload.profile.audit import Audit
from relayload.profile.audit_scenarios import audit_scenarios
from relayload.profile.guardrails import Guardrails
from relayload.profile.scenario import Scenario
from relayload.profile.stages import BATCH_STAGE, TRACE_STAGE, written_names, written_stages
from relayload.profile.target import NamedTarget, Target
from relayload.profile.trace import Trace

STAGES: Location = ("load", "stages")


class Content:
    """The written content of a profile in that folder. Whatever has the wrong shape is left out."""

    def __init__(self, document: Document, folder: Path) -> None:
        self.folder = folder
        self._reported = {fault.path for fault in document.faults}
        self.fault = document.fault
        self.data = mapping(document.data)
        self.load = mapping(self.data.get("load"))
        arrivals = self.load.get("arrivals")
        self.batch = self.load.get("kind") == "batch"
        self.replays = isinstance(arrivals, dict) and not self.batch and not {"gamma", "bursts"} & arrivals.keys()
        self.trace = sound(Trace, arrivals) if self.replays else None
        self.traced_models: list[str] = []
        self.guardrails: Guardrails | None = sound(Guardrails, self.data.get("guardrails", {}))
        self.stages = [((*STAGES, *place), stage) for place, stage in written_stages(sequence(self.load.get("stages")))]
        self.targets = {name: mapping(spec) for name, spec in mapping(self.data.get("targets")).items()}
        self.scenarios = {name: mapping(spec) for name, spec in mapping(self.data.get("scenarios")).items()}

    @property
    def stage_names(self) -> list[str]:
        if self.batch:
            return [BATCH_STAGE]
        if self.replays and not self.stages:
            return [TRACE_STAGE]
        return [name for number, (_, stage) in enumerate(self.stages) for name in written_names(stage, number)]

    @cached_property
    def sound_targets(self) -> list[tuple[Location, Target]]:
        """Each valid target with its location; its files are relative to the profile's folder."""
        found: list[tuple[Location, Target | None]]
        if self.targets:
            found = [(("targets", name), sound(NamedTarget, written)) for name, written in self.targets.items()]
        else:
            found = [(("target",), sound(Target, self.data.get("target", {})))]
        return [(place, target.found_from(self.folder)) for place, target in found if target]

    @property
    def key_names(self) -> list[str]:
        """The names of the keys of all valid targets."""
        return list(dict.fromkeys(key for _, target in self.sound_targets for key in target.key_names))

    @property
    def scenario_tags(self) -> dict[str, dict[str, str]]:
        """By scenario, its free tags with texts as values."""
        written = {name: mapping(scenario.get("tags")) for name, scenario in self.scenarios.items()}
        return {name: {str(tag): str(value) for tag, value in tags.items()} for name, tags in written.items() if tags}

    @cached_property
    def audit_scenarios(self) -> tuple[str, ...]:
        """The names of the scenarios that the audit adds to the valid ones."""
        audit: Audit | None = sound(Audit, self.data.get("audit", {}))
        valid = {name: each for name, spec in self.scenarios.items() if (each := sound(Scenario, spec)) is not None}
        return tuple(audit_scenarios(audit, valid)) if audit is not None else ()

    @property
    def models(self) -> list[str]:
        """The models that the scenarios and the checked rows of a trace name."""
        written = [model for scenario in self.scenarios.values() for model in models_of(scenario)]
        return list(dict.fromkeys([*written, *self.traced_models]))

    @property
    def scopes(self) -> list[str]:
        """The scopes of breakers as recorded, with models under their targets' names. Empty if any target is invalid.

        With several targets each scope begins with the name of its target.
        """
        if len(self.sound_targets) != max(1, len(self.targets)):
            return []
        named = [
            f"{place[-1]}/{scope}" if len(self.targets) > 1 else scope
            for place, target in self.sound_targets
            for scope in self._scopes_of(target)
        ]
        return list(dict.fromkeys(named))

    def _scopes_of(self, target: Target) -> list[str]:
        breaker = mapping(mapping(self.data.get("client")).get("breaker"))
        match breaker.get("scope", Scope.MODEL):
            case Scope.ALL:
                return [Scope.ALL.value]
            case Scope.KEY:
                return list(target.key_names) or [Scope.ALL.value]
            case Scope.ENDPOINT:
                return [str(each.get("endpoint", Endpoint.CHAT.value)) for each in self.scenarios.values()]
            case _:
                return [target.models.get(model, model) for model in self.models]

    def unreported(self, location: Location) -> bool:
        return ".".join(map(str, location)) not in self._reported


def sound(model: Any, value: Any) -> Any:
    """Validate a value; return None if it is invalid, since the model of the whole reports the faults inside."""
    validate = model.validate_python if isinstance(model, TypeAdapter) else model.model_validate
    try:
        return validate(value)
    except ValidationError:
        return None


def models_of(scenario: dict[str, Any]) -> list[str]:
    """Return the model of a scenario, or all models of its mix."""
    model = scenario.get("model")
    return list(model) if isinstance(model, dict) else [model] if isinstance(model, str) else []


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
