"""The requests of a diagnosis: one plain and one streamed answer from each model and endpoint of the profile.

Each is the first request of its scenario as the load sends it, but with a small budget.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from relayload.core.traffic.arrivals import Arrival
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.formats import new_request
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.core.wire.stream import FinishReason
from relayload.document import Location
from relayload.profile import Profile
from relayload.profile.compose import Composer
from relayload.profile.loads import BatchLoad
from relayload.profile.plan import arrivals, batch_scenarios
from relayload.profile.scenario import Scenario
from relayload.profile.target import Target

MOST_QUESTIONS = 4
"""The most pairs of an endpoint and a model to ask, which is enough to know a relay."""
MOST_TRIES = 4
"""The most further requests in other forms, to a relay that may refuse the profile's."""
BUDGET = 64
"""The most tokens of an answer: enough to stream, and cheap."""
_BUDGETS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "min_tokens")
_NEED_ROOM = ("response_format", "text", "thinking", "thinking_config", "reasoning", "output_config")
"""Fields that relays refuse together with a small budget, as they need room of their own or a whole answer."""
_LOOKED_THROUGH = 1_000
"""How many arrivals are searched for the first of a scenario."""
_UNKNOWN_TOKENS = 100
"""The length of the prompt of a scenario that takes its length from a trace and has no early row in it."""


@dataclass(frozen=True, slots=True)
class Question:
    """The request for a scenario, at its endpoint and with one of its models."""

    scenario: str
    endpoint: Endpoint
    model: str
    streams: bool
    body: Mapping[str, Any]
    """The further fields that the scenario sets."""
    finish_reason: FinishReason = "required"
    """Whether a stream needs a finish reason to be complete."""
    content: Any = ()
    """The messages, or the input."""
    headers: Mapping[str, str] = field(default_factory=dict)
    temperature: float | None = None
    reasoning_effort: str | None = None
    budget: int | None = BUDGET
    """The most tokens of its answer; None if unbounded."""
    own: tuple[str, ...] = ()
    """Keys of the scenario, other than `body`, that are fields of the request."""

    @property
    def location(self) -> Location:
        """The location of the scenario in the profile."""
        return ("scenarios", self.scenario)

    @property
    def model_location(self) -> Location:
        """The location of the model in the profile."""
        return (*self.location, "model")

    def request(self, *, stream: bool, form: Form = OPENAI) -> WireRequest:
        """Return the request in that form."""
        extra = {name: value for name, value in self.body.items() if stream or name != "stream_options"}
        if self.endpoint is Endpoint.EMBEDDINGS:
            return embeddings_request(self.model, self.content, extra=extra, headers=dict(self.headers))
        return new_request(self.endpoint)(
            self.model,
            self.content,
            stream=stream,
            max_output_tokens=self.budget,
            temperature=self.temperature,
            reasoning_effort=self.reasoning_effort,
            extra=extra,
            headers=dict(self.headers),
            form=form,
        )

    def what(self, *, stream: bool) -> str:
        """Describe the request: `o3 at /chat/completions (streamed)`."""
        how = "" if self.endpoint is Endpoint.EMBEDDINGS else " (streamed)" if stream else " (in one piece)"
        return f"{self.model} at {self.endpoint.path}{how}"


def questions(profile: Profile, target: Target) -> tuple[Question, ...]:
    """Return one question for each endpoint and model of a target, from a scenario that streams if there is one."""
    scenarios = _scenarios_to_ask(profile, target)
    if not scenarios:
        return ()
    composer = Composer(profile)
    firsts = {name: _first_request(profile, composer, name) for name in scenarios.values()}
    return tuple(
        _question(name, profile.scenarios[name], model, target, firsts[name]) for (_, model), name in scenarios.items()
    )


def small_requests(profile: Profile, target: Target) -> tuple[WireRequest, ...]:
    """Return one small request of each kind that the load sends to that target."""
    return tuple(
        question.request(stream=question.streams, form=target.form)
        for question in questions(profile, target)[:MOST_QUESTIONS]
    )


def _scenarios_to_ask(profile: Profile, target: Target) -> dict[tuple[Endpoint, str], str]:
    """Choose the scenario for each pair of an endpoint and a model."""
    found: dict[tuple[Endpoint, str], str] = {}
    for name, scenario in profile.scenarios.items():
        for named in scenario.models:
            key = (scenario.endpoint, target.models.get(named, named))
            known = found.setdefault(key, name)
            if scenario.streams and not profile.scenarios[known].streams:
                found[key] = name
    return found


def _question(name: str, scenario: Scenario, model: str, target: Target, first: WireRequest) -> Question:
    extra = scenario.extra_fields
    budget = first.max_output_tokens
    if not any(field in extra for field in _NEED_ROOM):
        extra = _small(extra)
        budget = BUDGET if budget is None else min(budget, BUDGET)
    content = first.messages or first.body["input"]
    return Question(
        name,
        scenario.endpoint,
        model,
        scenario.streams,
        extra,
        target.finish_reason,
        content,
        first.headers,
        scenario.temperature,
        scenario.reasoning_effort,
        budget,
        tuple(field for field in _OWN_FIELDS if getattr(scenario, field)),
    )


_OWN_FIELDS = (
    "temperature",
    "reasoning_effort",
    "tools",
    "tool_choice",
    "response_format",
    "min_tokens",
    "ignore_eos",
)


def _small(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Cap the budgets in the body at that of the question."""
    return {
        name: min(value, BUDGET) if name in _BUDGETS and isinstance(value, int) else value
        for name, value in extra.items()
    }


def _first_request(profile: Profile, composer: Composer, scenario: str) -> WireRequest:
    return composer.job(_first_arrival(profile, list(profile.scenarios).index(scenario))).request()


def _first_arrival(profile: Profile, scenario: int) -> Arrival:
    """Return the scenario's first arrival if it is an early one, or else a made-up one."""
    soon = (arrival for arrival in islice(_arrivals(profile), _LOOKED_THROUGH) if arrival.scenario == scenario)
    found = next(soon, None)
    if found is not None:
        return found
    settled = list(profile.scenarios.values())[scenario]
    made_up = settled.prompt is None and settled.input_tokens is None
    return Arrival(0, 0.0, 0, scenario, _UNKNOWN_TOKENS if made_up else None)


def _arrivals(profile: Profile) -> Iterator[Arrival]:
    load = profile.load
    if isinstance(load, BatchLoad):
        return (Arrival(index, 0.0, 0, each) for index, each in enumerate(batch_scenarios(profile, load)))
    return arrivals(profile)
