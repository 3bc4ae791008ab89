"""The requests of a visit: one plain and one streamed answer of each model and endpoint that a profile asks.

Each is the first request of its scenario, as the load sends it, but for a small budget.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from relayload.core.traffic.arrivals import Arrival
from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.core.wire.responses import responses_request
from relayload.core.wire.stream import FinishReason
from relayload.document import Location
from relayload.profile import Profile
from relayload.profile.compose import Composer
from relayload.profile.loads import BatchLoad
from relayload.profile.plan import arrivals, batch_scenarios
from relayload.profile.scenario import Scenario
from relayload.profile.target import Target

MOST_QUESTIONS = 4
"""Pairs of an endpoint and a model; a handful of requests is enough to know a relay."""
MOST_TRIES = 4
"""Further requests, in other forms than that of the profile, to a relay that may not take it."""
BUDGET = 64
"""Of an answer: enough to stream, and cheap."""
_BUDGETS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "min_tokens")
_NEED_ROOM = ("response_format", "text", "thinking", "thinking_config", "reasoning")
"""Fields that relays refuse together with a small budget: they hold one of their own, or want a whole answer."""
_LOOKED_THROUGH = 1_000
"""Arrivals among which the first one of a scenario is looked for."""
_UNKNOWN_TOKENS = 100
"""The prompt's, of a scenario that leaves them to a trace and has no row near its beginning."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for a scenario: its endpoint and one of its models."""

    scenario: str
    endpoint: Endpoint
    model: str
    streams: bool
    body: Mapping[str, Any]
    """What the scenario itself says in further fields."""
    finish_reason: FinishReason = "required"
    """Whether a stream is whole without one."""
    said: Any = ()
    """The messages, or the input."""
    headers: Mapping[str, str] = field(default_factory=dict)
    temperature: float | None = None
    reasoning_effort: str | None = None
    budget: int | None = BUDGET
    """The most tokens of its answer; None where nothing bounds them."""
    own: tuple[str, ...] = ()
    """Keys of the scenario, other than `body`, that are fields of the request."""

    @property
    def location(self) -> Location:
        """Where the profile has the scenario."""
        return ("scenarios", self.scenario)

    @property
    def model_location(self) -> Location:
        """Where the profile names the model."""
        return (*self.location, "model")

    def request(self, *, stream: bool, form: Form = OPENAI) -> WireRequest:
        """A small request of that kind."""
        extra = {name: value for name, value in self.body.items() if stream or name != "stream_options"}
        if self.endpoint is Endpoint.EMBEDDINGS:
            return embeddings_request(self.model, self.said, extra=extra, headers=dict(self.headers))
        new_request = chat_request if self.endpoint is Endpoint.CHAT else responses_request
        return new_request(
            self.model,
            self.said,
            stream=stream,
            max_output_tokens=self.budget,
            temperature=self.temperature,
            reasoning_effort=self.reasoning_effort,
            extra=extra,
            headers=dict(self.headers),
            form=form,
        )

    def what(self, *, stream: bool) -> str:
        """Which request it is, in words."""
        how = "" if self.endpoint is Endpoint.EMBEDDINGS else " (streamed)" if stream else " (in one piece)"
        return f"{self.model} at {self.endpoint.path}{how}"


def questions(profile: Profile, target: Target) -> tuple[Question, ...]:
    """What to ask that target, each pair of an endpoint and a model once; of several scenarios one that streams."""
    scenarios = _asked(profile, target)
    if not scenarios:
        return ()
    composer = Composer(profile)
    firsts = {name: _first_request(profile, composer, name) for name in scenarios.values()}
    return tuple(
        _question(name, profile.scenarios[name], model, target, firsts[name]) for (_, model), name in scenarios.items()
    )


def small_requests(profile: Profile, target: Target) -> tuple[WireRequest, ...]:
    """A small request of each kind that the load sends to that target, as it sends it."""
    return tuple(
        question.request(stream=question.streams, form=target.form)
        for question in questions(profile, target)[:MOST_QUESTIONS]
    )


def _asked(profile: Profile, target: Target) -> dict[tuple[Endpoint, str], str]:
    """The scenario to ask for each pair of an endpoint and a model."""
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
    said = first.body["messages" if scenario.endpoint is Endpoint.CHAT else "input"]
    return Question(
        name,
        scenario.endpoint,
        model,
        scenario.streams,
        extra,
        target.finish_reason,
        said,
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
    """With a budget that the body has itself no larger than that of the question."""
    return {
        name: min(value, BUDGET) if name in _BUDGETS and isinstance(value, int) else value
        for name, value in extra.items()
    }


def _first_request(profile: Profile, composer: Composer, scenario: str) -> WireRequest:
    return composer.job(_first_arrival(profile, list(profile.scenarios).index(scenario))).request()


def _first_arrival(profile: Profile, scenario: int) -> Arrival:
    """The first one of the scenario, if it comes soon; else one that could be."""
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
