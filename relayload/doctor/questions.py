"""The requests of a visit: one plain and one streamed answer of each model and endpoint that a profile asks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import OPENAI, Form
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.core.wire.responses import responses_request
from relayload.core.wire.stream import FinishReason
from relayload.document import Location
from relayload.profile import Profile
from relayload.profile.target import Target

MOST_QUESTIONS = 4
"""Pairs of an endpoint and a model; a handful of requests is enough to know a relay."""
MOST_TRIES = 4
"""Further requests, in other forms than that of the profile, to a relay that may not take it."""
_PROMPT = "Count from one to one hundred in words."
BUDGET = 64
"""Less than the whole answer has: whoever says more has not understood it."""
_FORM_FIELDS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "stream_options")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for a scenario: its endpoint and one of its models."""

    scenario: str
    endpoint: Endpoint
    model: str
    streams: bool
    body: Mapping[str, Any]
    """What the scenario itself says in the fields that relays differ in."""
    finish_reason: FinishReason = "required"
    """Whether a stream is whole without one."""

    @property
    def model_location(self) -> Location:
        """Where the profile names the model."""
        return ("scenarios", self.scenario, "model")

    def request(self, *, stream: bool, form: Form = OPENAI) -> WireRequest:
        """A small request of that kind."""
        extra = {name: value for name, value in self.body.items() if stream or name != "stream_options"}
        if self.endpoint is Endpoint.EMBEDDINGS:
            return embeddings_request(self.model, [_PROMPT])
        if self.endpoint is Endpoint.RESPONSES:
            return responses_request(
                self.model, _PROMPT, stream=stream, max_output_tokens=BUDGET, extra=extra, form=form
            )
        messages = [{"role": "user", "content": _PROMPT}]
        return chat_request(self.model, messages, stream=stream, max_output_tokens=BUDGET, extra=extra, form=form)


def questions(profile: Profile, target: Target) -> tuple[Question, ...]:
    """What to ask that target, each pair of an endpoint and a model once."""
    found: dict[tuple[Endpoint, str], Question] = {}
    for name, scenario in profile.scenarios.items():
        body = {field: scenario.body[field] for field in _FORM_FIELDS if field in scenario.body}
        for named in scenario.models:
            model = target.models.get(named, named)
            key = (scenario.endpoint, model)
            question = found.setdefault(
                key, Question(name, scenario.endpoint, model, scenario.streams, body, target.finish_reason)
            )
            if scenario.streams and not question.streams:
                found[key] = replace(question, scenario=name, streams=True, body=body)
    return tuple(found.values())
