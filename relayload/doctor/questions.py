"""The requests of a visit: one plain and one streamed answer of each model and endpoint that a profile asks."""

from dataclasses import dataclass, replace

from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.core.wire.responses import responses_request
from relayload.core.wire.stream import FinishReason
from relayload.document import Location
from relayload.profile import Profile
from relayload.profile.target import Target

MOST_QUESTIONS = 4
"""Pairs of an endpoint and a model; a handful of requests is enough to know a relay."""
_PROMPT = "Count from one to twenty in words."
_BUDGET = 64


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for a scenario: its endpoint and one of its models."""

    scenario: str
    endpoint: Endpoint
    model: str
    streams: bool
    finish_reason: FinishReason = "required"
    """Whether a stream is whole without one."""

    @property
    def model_location(self) -> Location:
        """Where the profile names the model."""
        return ("scenarios", self.scenario, "model")

    def request(self, *, stream: bool) -> WireRequest:
        """A small request of that kind."""
        if self.endpoint is Endpoint.EMBEDDINGS:
            return embeddings_request(self.model, [_PROMPT])
        if self.endpoint is Endpoint.RESPONSES:
            return responses_request(self.model, _PROMPT, stream=stream, max_output_tokens=_BUDGET)
        messages = [{"role": "user", "content": _PROMPT}]
        return chat_request(self.model, messages, stream=stream, max_output_tokens=_BUDGET)


def questions(profile: Profile, target: Target) -> tuple[Question, ...]:
    """What to ask that target, each pair of an endpoint and a model once."""
    found: dict[tuple[Endpoint, str], Question] = {}
    for name, scenario in profile.scenarios.items():
        for named in scenario.models:
            model = target.models.get(named, named)
            key = (scenario.endpoint, model)
            question = found.setdefault(
                key, Question(name, scenario.endpoint, model, scenario.streams, target.finish_reason)
            )
            if scenario.streams and not question.streams:
                found[key] = replace(question, scenario=name, streams=True)
    return tuple(found.values())
