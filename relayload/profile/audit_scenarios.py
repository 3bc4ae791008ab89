"""The scenarios that the audit adds to a profile: its own questions, among the traffic."""

from collections.abc import Iterator, Mapping
from typing import Any

from relayload.core.wire.request import Endpoint
from relayload.profile.audit import PREFIX, Audit
from relayload.profile.scenario import Scenario

OF_QUESTIONS = frozenset(
    {"max_tokens", "max_completion_tokens", "max_output_tokens", "temperature", "stop", "stop_sequences", "n", "seed"}
    | {"logprobs", "top_logprobs", "response_format", "text", "output_config", "tools", "tool_choice", "functions"}
)
"""Fields of a body that a question sets itself, or that would change what its answer looks like."""


def audit_scenarios(audit: Audit, scenarios: Mapping[str, Scenario]) -> dict[str, Scenario]:
    """Return the scenarios of the audit by name; none without a share of the arrivals.

    Every model is asked as often, at the endpoint and in the way of the first scenario that asks for it.
    """
    models = dict(_first_uses(scenarios))
    if not audit.share or not models:
        return {}
    asked = dict(_of_kinds(audit.questions, models, scenarios))
    weight = sum(each.weight for each in scenarios.values()) * audit.share / (1 - audit.share)
    parts = sum(len(spec["model"]) for spec in asked.values())
    return {name: Scenario(**spec, weight=weight * len(spec["model"]) / parts) for name, spec in asked.items()}


def _first_uses(scenarios: Mapping[str, Scenario]) -> Iterator[tuple[str, str]]:
    """Yield each model that answers in texts, with the first scenario that asks for it."""
    seen: set[str] = set()
    for name, scenario in scenarios.items():
        for model in scenario.models if scenario.endpoint is not Endpoint.EMBEDDINGS else ():
            if model not in seen:
                seen.add(model)
                yield model, name


def _of_kinds(
    kinds: tuple[str, ...], models: Mapping[str, str], scenarios: Mapping[str, Scenario]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a scenario, by name, for each kind and each way in which models are asked."""
    way_of = {model: _asked_as(scenarios[name]) for model, name in models.items()}
    ways: list[dict[str, Any]] = []
    for way in way_of.values():
        if way not in ways:
            ways.append(way)
    for kind in kinds:
        for number, way in enumerate(ways):
            of_way = {model: 1.0 for model, its in way_of.items() if its == way}
            name = f"{PREFIX}{kind}" if number == 0 else f"{PREFIX}{kind}_{number + 1}"
            yield name, {**way, "model": of_way, "questions": (kind,)}


def _asked_as(scenario: Scenario) -> dict[str, Any]:
    """Return how a scenario asks, whatever it asks."""
    body = {name: value for name, value in scenario.body.items() if name not in OF_QUESTIONS}
    return {
        "endpoint": scenario.endpoint,
        "stream": scenario.stream,
        "reasoning_effort": scenario.reasoning_effort,
        "body": body,
        "headers": scenario.headers,
    }
