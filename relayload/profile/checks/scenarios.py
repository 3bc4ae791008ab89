"""Checks on scenarios: whether they fit the load, and the files that they name."""

from collections.abc import Iterator
from typing import Any

from relayload.core.errors import Fault
from relayload.core.model.amounts import MOST_TAG_VALUES, MOST_TAGS
from relayload.core.model.tags import values_of
from relayload.core.wire.request import Endpoint
from relayload.document import Location
from relayload.profile.amounts import SeenAmounts
from relayload.profile.checks.content import Content, mapping, sound
from relayload.profile.endpoints import unfit
from relayload.profile.prompt import PromptFile
from relayload.profile.prompt_sets import NAMES
from relayload.profile.scenario import class_name


def scenario_faults(content: Content) -> Iterator[Fault]:
    yield from _tag_faults(content)
    classes: dict[str, str] = {}
    for name, scenario in content.scenarios.items():
        first = classes.setdefault(class_name(name), name)
        if first != name:
            yield content.fault(("scenarios", name), f"'{name}' and '{first}' make the same class name", at_key=True)
        yield from _prompt_faults(content, name, scenario)
        yield from _conversation_faults(content, name, scenario)
        yield from _messages_faults(content, name, scenario)
        for key, message in unfit(scenario):
            yield content.fault(("scenarios", name, key), message, at_key=True)


def _tag_faults(content: Content) -> Iterator[Fault]:
    """Yield faults for more tags than can have tables of their own."""
    values = values_of(content.scenario_tags)
    for most, count, what in (
        (MOST_TAGS, len(values), "tags"),
        (MOST_TAG_VALUES, sum(map(len, values.values())), "values of tags"),
    ):
        if count > most:
            reason = "since every value has tables, and series in exports, of its own"
            yield content.fault(("scenarios",), f"expected at most {most} {what}, {reason}, got {count}", at_key=True)


def _prompt_faults(content: Content, name: str, scenario: dict[str, Any]) -> Iterator[Fault]:
    trace = content.trace
    if trace and trace.holds_blocks and scenario.get("prompt") is not None:
        message = "the blocks of the trace are the prompt: leave this out"
        yield content.fault(("scenarios", name, "prompt"), message, at_key=True)
    sized = trace.sized if trace else content.replays
    if not content.load or sized or scenario.get("input_tokens") is not None or scenario.get("questions") is not None:
        return
    if scenario.get("prompt") is None:
        known = ", ".join(NAMES)
        yield content.fault(
            ("scenarios", name, "prompt"), f"is required: {known}, {{text: ...}} or {{file: ...}}; or input_tokens"
        )
    if scenario.get("shared_prefix") is not None:
        message = "is a part of input_tokens: write these, too"
        yield content.fault(("scenarios", name, "shared_prefix"), message, at_key=True)


def _conversation_faults(content: Content, name: str, scenario: dict[str, Any]) -> Iterator[Fault]:
    if scenario.get("conversation") is None:
        return
    location = ("scenarios", name, "conversation")
    if content.replays:
        yield content.fault(location, "the rows of a trace are single requests: leave this out", at_key=True)
    if content.batch:
        yield content.fault(location, "a batch is a list of single requests: leave this out", at_key=True)
    if content.load.get("limits") is not None:
        yield content.fault(location, "later turns could break load.limits: leave out one of them", at_key=True)


def _messages_faults(content: Content, name: str, scenario: dict[str, Any]) -> Iterator[Fault]:
    """Yield faults of a scenario for the Messages API, which needs a budget and has a client of its own."""
    if scenario.get("endpoint") != Endpoint.MESSAGES:
        return
    place = ("scenarios", name, "endpoint")
    if content.data.get("driver") == "openai":
        yield content.fault(place, "the SDK of driver: openai has no Messages API: write driver: native")
    budgets = scenario.get("max_output_tokens"), mapping(scenario.get("body")).get("max_tokens")
    if budgets == (None, None) and not content.replays and scenario.get("questions") is None:
        yield content.fault(place, "every message needs a budget: write max_output_tokens: 1024, or --max-tokens 1024")


def file_faults(content: Content) -> Iterator[Fault]:
    """Yield faults for files of prompts and of counts that can't be read."""
    for name, scenario in content.scenarios.items():
        place = ("scenarios", name)
        yield from _file_faults(content, (*place, "prompt"), sound(PromptFile, scenario.get("prompt")))
        talk = mapping(scenario.get("conversation"))
        counts = [("input_tokens", scenario), ("max_output_tokens", scenario)]
        for path, owner in [*counts, ("conversation.turns", talk), ("conversation.input_tokens", talk)]:
            keys = path.split(".")
            part = sound(SeenAmounts, owner.get(keys[-1]))
            yield from _file_faults(content, (*place, *keys), part)


def _file_faults(content: Content, place: Location, part: PromptFile | SeenAmounts | None) -> Iterator[Fault]:
    if part is None:
        return
    try:
        found = part.found_from(content.folder)
        _ = found.prompts if isinstance(found, PromptFile) else found.content
    except OSError as error:
        yield content.fault((*place, "file"), f"{part.file}: cannot be read: {error.strerror}")
    except ValueError as error:
        yield content.fault((*place, "file"), str(error))
