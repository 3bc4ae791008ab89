"""Checks on `audit:` and on scenarios that ask its questions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from relayload.core.audit.asking import asked
from relayload.core.errors import Fault
from relayload.core.wire.request import Endpoint
from relayload.document.validation import nearest
from relayload.profile.audit import Audit, is_file
from relayload.profile.checks.content import Content, mapping, models_of, sound
from relayload.profile.scenario import Scenario

_SET_BY_QUESTIONS = (
    *("prompt", "language", "images", "inputs", "input_tokens", "shared_prefix", "nonce", "max_output_tokens"),
    *("min_tokens", "ignore_eos", "temperature", "tools", "tool_choice", "response_format", "conversation", "cancel"),
)


def audit_faults(content: Content) -> Iterator[Fault]:
    audit: Audit | None = sound(Audit, content.data.get("audit", {}))
    if audit is not None:
        if audit.reference is not None:
            yield from _reference_faults(content, audit.reference)
        if audit.share:
            yield from _share_faults(content)
    for name, scenario in content.scenarios.items():
        if scenario.get("questions") is not None:
            yield from _question_faults(content, name, scenario)


def _reference_faults(content: Content, reference: str) -> Iterator[Fault]:
    place = ("audit", "reference")
    if not is_file(reference):
        if reference not in content.targets:
            known = f"{nearest(reference, content.targets)}; a file is written as ./{reference}.json"
            yield content.fault(place, f"there is no target '{reference}'{known}")
        elif len(content.targets) < 2:
            yield content.fault(place, f"'{reference}' is the only target: there is nothing to compare with it")
    elif not (content.folder / Path(reference)).is_file():
        yield content.fault(place, f"{reference}: there is no such file: make one with relayload audit --record")


def _share_faults(content: Content) -> Iterator[Fault]:
    place = ("audit", "share")
    if content.replays:
        yield content.fault(place, "the rows of a trace are replayed as they are: leave this out")
    elif content.scenarios and not any(
        models_of(scenario)
        for scenario in content.scenarios.values()
        if scenario.get("endpoint") != Endpoint.EMBEDDINGS
    ):
        yield content.fault(place, "no scenario is answered in a text: leave this out")
    for name in content.audit_scenarios:
        if name in content.scenarios:
            message = "is the name of a scenario that audit.share adds: choose another one"
            yield content.fault(("scenarios", name), message, at_key=True)


def _question_faults(content: Content, name: str, written: dict[str, Any]) -> Iterator[Fault]:
    place = ("scenarios", name)
    scenario: Scenario | None = sound(Scenario, mapping(written))
    for key in _SET_BY_QUESTIONS if scenario is None else _said_besides(scenario):
        if written.get(key) is not None:
            yield content.fault((*place, key), "the questions of the audit say this: leave it out", at_key=True)
    if content.replays:
        yield content.fault((*place, "questions"), "the rows of a trace have their own content: leave this out")
    if scenario is None:
        return
    if scenario.endpoint is Endpoint.EMBEDDINGS:
        yield content.fault((*place, "questions"), "an embedding answers no question: leave this out", at_key=True)
    elif not asked(scenario.question_kinds, 0, scenario.endpoint):
        message = f"endpoint: {scenario.endpoint} has no field for any of them: leave this out"
        yield content.fault((*place, "questions"), message, at_key=True)


def _said_besides(scenario: Scenario) -> list[str]:
    """Return the keys that questions set themselves and that are not at their defaults."""
    return [key for key in _SET_BY_QUESTIONS if getattr(scenario, key) != Scenario.model_fields[key].default]
