"""A profile as pydantic models. Keys of the YAML are the aliases of fields.

Checks that span several models (a target against the guardrails, a stage against its load) are in `checks`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr

from relayload.core.errors import AuthorError, Fault
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.scenario_tags import on_scenarios
from relayload.core.objectives.validation import within_scenario
from relayload.core.resilience.limit import Limit
from relayload.core.resilience.policy import ClientPolicy
from relayload.core.wire.request import Timeouts
from relayload.core.wire.response_limits import ResponseLimits
from relayload.document import Document, Location
from relayload.profile.audit import Audit
from relayload.profile.audit_scenarios import audit_scenarios
from relayload.profile.cautions import turned_round, unaudited, unlimited_retries
from relayload.profile.client import Client
from relayload.profile.generator import GeneratorBounds
from relayload.profile.guardrails import Guardrails
from relayload.profile.loads import Load
from relayload.profile.objectives import ObjectiveEntry
from relayload.profile.recorded import Recorded
from relayload.profile.resilience import OwnQuota
from relayload.profile.scenario import Scenario, Scenarios
from relayload.profile.target import Target, Targets
from relayload.profile.telemetry import Telemetry
from relayload.profile.types import Integer, Items, Part, Text
from relayload.profile.web import Web


def _profile_name(name: str) -> str:
    if not name.isprintable() or not name.strip() or "/" in name or len(name) > 100:
        raise ValueError("expected a short name in one line, without '/'")
    return name


class Profile(Part):
    """A whole profile. `relayload.profile.load` reads one; a model made by hand has not been checked as a whole."""

    extends: Text | Items[Text] = ()
    """Files that this one builds on, found from here: mappings merge, everything else replaces what they say."""
    name: Annotated[str, AfterValidator(_profile_name)]
    """Names the run's directory and stands in every report."""
    seed: Integer = 0
    """The same seed sends the same requests at the same instants, with any number of workers."""
    target: Target = Target()
    """The relay that is tested."""
    targets: Targets | None = None
    """Several relays by name, instead of `target`: each request goes to one of them, drawn by their shares."""
    compare: Literal["interleaved", "randomised"] | None = None
    """`interleaved` sends every request to each of the targets, at the same instant and word for word, and tells what
    each adds to the first. `randomised` does so in an order that is drawn for each request."""
    driver: Literal["native", "openai"] = "native"
    """What sends: our own transport, or the official SDK to see what an application sees."""
    load: Load
    """How much traffic comes, and when."""
    own_scenarios: Scenarios = Field(alias="scenarios")
    """The kinds of requests by name, drawn by weight."""
    client: Client | None = None
    """How requests are sent."""
    objective_entries: Items[ObjectiveEntry] = Field((), alias="objectives")
    """What must be true for the run to pass, such as `ttft.p99 < 800ms`."""
    generator: GeneratorBounds = GeneratorBounds()
    """When not to believe the load generator itself."""
    guardrails: Guardrails = Guardrails()
    """Bounds that no run passes."""
    recording: Recorded = Recorded()
    """How much of the run is kept on disk."""
    audit: Audit = Audit()
    """How the usage and the models that answers report are checked."""
    telemetry: Telemetry = Telemetry()
    """How others are told of the requests."""
    web: Web = Web()
    """What the web page may do with the load."""

    _source: Path = PrivateAttr(default=Path())
    _effective: dict[str, Any] = PrivateAttr(default_factory=dict)
    _written: Document = PrivateAttr(default=Document({}, ""))
    _fault: Callable[[Location, str], Fault] | None = PrivateAttr(default=None)
    _references: Mapping[Location, str] = PrivateAttr(default_factory=dict)
    _bound_keys: tuple[Fault, ...] = PrivateAttr(default=())
    _cautions: tuple[Fault, ...] = PrivateAttr(default=())

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The kinds of requests by name, and those that the audit adds to them."""
        return {**self.own_scenarios, **self.audit_scenarios}

    @property
    def audit_scenarios(self) -> Mapping[str, Scenario]:
        """The scenarios of the audit's own questions; none unless it has a share of the arrivals."""
        return audit_scenarios(self.audit, self.own_scenarios)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives of the whole profile, then those of each scenario, with its name as a tag."""
        return tuple(objective for _, objective in self.placed_objectives)

    @property
    def placed_objectives(self) -> Iterator[tuple[Location, Objective]]:
        """The same objectives, each with its location."""
        for number, entry in enumerate(self.objective_entries):
            yield ("objectives", number), on_scenarios(entry.objective, self.scenario_tags)
        for name, scenario in self.scenarios.items():
            for number, entry in enumerate(scenario.objectives):
                own = within_scenario(entry.objective, name)
                yield ("scenarios", name, "objectives", number), on_scenarios(own, self.scenario_tags)

    @property
    def scenario_tags(self) -> dict[str, dict[str, str]]:
        """By scenario, its free tags, where it has any."""
        return {name: scenario.tags for name, scenario in self.scenarios.items() if scenario.tags}

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(**dict((self.client or Client()).timeout))

    @property
    def response_limits(self) -> ResponseLimits:
        return ResponseLimits(**dict((self.client or Client()).response_limits))

    @property
    def named_targets(self) -> Mapping[str, Target]:
        """Every target by its name; a single one is called `target`."""
        return self.targets or {"target": self.target}

    @property
    def target_shares(self) -> dict[str, float]:
        """Each target's part of all requests, which add up to 1."""
        weights = {name: target.share for name, target in self.targets.items()} if self.targets else {"target": 1.0}
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items()}

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of all keys; empty where there are only those of `api_key`."""
        return tuple(dict.fromkeys(key for target in self.named_targets.values() for key in target.key_names))

    @property
    def several(self) -> bool:
        """True if there are several targets, so that records name theirs."""
        return len(self.named_targets) > 1

    @property
    def paired(self) -> bool:
        """Whether every arrival goes to each of several targets."""
        return self.compare is not None and self.several

    @property
    def order_seed(self) -> int | None:
        """By what the order of targets is drawn for each arrival; None where it alternates."""
        return self.seed if self.compare == "randomised" else None

    def client_policy(self, target: Target) -> ClientPolicy:
        """Return how the client treats a relay. Without a `client:` it only measures."""
        return (self.client or Client()).policy(target.dialect)

    def quota_name(self, target: str, key: str | None) -> str:
        """Return the name of the quota for requests to a target with a key: `relay`, or `relay/a` if each has its own.

        What a relay says it has left is always that of one key.
        """
        quota = self.client.quota if self.client else None
        own = quota == "from_headers" or (isinstance(quota, OwnQuota) and quota.per == "key")
        return target if key is None or not own else f"{target}/{key}"

    @property
    def quota_limits(self) -> dict[str, tuple[Limit, ...]]:
        """The limits of every quota by its name."""
        return {
            self.quota_name(name, key): self.client_policy(target).limits
            for name, target in self.named_targets.items()
            for key in target.named_keys
        }

    @property
    def scenario_secrets(self) -> tuple[str, ...]:
        """The values of the scenarios' own headers, which must not be shown."""
        return tuple(value.reveal() for each in self.scenarios.values() for value in each.headers.values())

    @property
    def source(self) -> Path:
        """The file that the profile was read from."""
        return self._source

    @property
    def effective(self) -> dict[str, Any]:
        """The content as written, with variables and overrides in place and secrets as `***`, to be dumped as YAML."""
        return self._effective

    @property
    def canonical(self) -> str:
        """The effective content as JSON, in the order of writing, in which scenarios are drawn."""
        return json.dumps(self._effective, ensure_ascii=False, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """The hash of the canonical content."""
        return sha256(self.canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def references(self) -> Mapping[Location, str]:
        """The references that stand in place of secrets, by location. Raises AuthorError if a key stands there."""
        if self._bound_keys:
            raise AuthorError(list(self._bound_keys))
        return self._references

    def fault(self, location: Location, message: str) -> Fault:
        """Return a fault at that location, with its line if the profile was read from a file."""
        if self._fault is None:
            return Fault(message, ".".join(map(str, location)))
        return self._fault(location, message)

    @property
    def cautions(self) -> tuple[Fault, ...]:
        """Warnings about what is valid but hardly intended, each with its place."""
        found: list[tuple[Location, str | None]] = [(("load", "limits"), unlimited_retries(self.load, self.client))]
        found += [(place, turned_round(objective)) for place, objective in self.placed_objectives]
        told = tuple(self.fault(place, warning) for place, warning in found if warning)
        return (*self._cautions, *told, *self.unaudited)

    @property
    def unaudited(self) -> tuple[Fault, ...]:
        """Those of the warnings that concern objectives on answers that a run does not have."""
        asked = {kind for scenario in self.scenarios.values() for kind in scenario.question_kinds}
        found = ((place, unaudited(objective, self.audit, asked)) for place, objective in self.placed_objectives)
        return tuple(self.fault(place, warning) for place, warning in found if warning)

    def with_cautions(self, found: tuple[Fault, ...]) -> Self:
        """Attach the warnings that were found while reading."""
        self._cautions = found
        return self

    def with_references(self, references: Mapping[Location, str], bound_keys: tuple[Fault, ...]) -> Self:
        """Attach what other hosts may read in place of secrets, and the faults of keys that they may not."""
        self._references, self._bound_keys = references, bound_keys
        return self

    @property
    def written(self) -> Document:
        """What the profile was made of: all that it extends and that was set, with variables as references."""
        return self._written

    def written_as(self, written: Document) -> Self:
        """Attach what the profile was made of."""
        self._written = written
        return self

    def with_effective(self, effective: dict[str, Any]) -> Self:
        """Attach the content as it was written on another host."""
        self._effective = effective
        return self

    def read_from(
        self, source: Path, effective: dict[str, Any], fault: Callable[[Location, str], Fault] | None = None
    ) -> Self:
        """Return the profile with its origin attached, and with its files relative to that."""
        profile = self.found_from(source.parent)
        profile._source = source
        profile._effective = effective
        profile._fault = fault
        return profile
