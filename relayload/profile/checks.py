"""What no part of a profile can judge alone.

Every check reads the content as it was written and looks at those parts that are sound, so that it finds its faults
whatever else is wrong.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from relayload.core.errors import AuthorError, Fault
from relayload.core.price import price_of
from relayload.core.traffic.prompt_sets import SETS
from relayload.core.verdict.names import unknown_names, within_scenario
from relayload.document import Document, Location
from relayload.document.validation import nearest
from relayload.profile import trace as traces
from relayload.profile.amounts import SeenAmounts
from relayload.profile.endpoints import unfit
from relayload.profile.guardrails import Guardrails
from relayload.profile.loads import OpenLoad
from relayload.profile.objectives import ObjectiveEntry
from relayload.profile.prompt import PromptFile
from relayload.profile.scenario import class_name
from relayload.profile.stages import expected_arrivals, written_names, written_stages
from relayload.profile.target import Target
from relayload.profile.targets import NamedTarget
from relayload.profile.trace import Trace
from relayload.profile.types import Rate
from relayload.transport.origin import origin_of
from relayload.transport.tls import target_context

ROWS_CHECKED = 10_000
"""Rows of a trace that are read with every profile; `relayload check` reads all that would be sent."""

MOST_ARRIVALS = 100_000_000
"""A day at a thousand per second; a schedule with more is hardly meant."""

TRACE_STAGE = "trace"
"""The one stage of a replay that names none."""

BATCH_STAGE = "batch"
"""The one stage of a batch load."""

_RATE = TypeAdapter(Rate)
_STAGES: Location = ("load", "stages")
_TRACE: Location = ("load", "arrivals", "trace")
_LOOP: Location = ("load", "arrivals", "loop")


def check(document: Document, folder: Path) -> Iterator[Fault]:
    """The faults between the parts of a profile that lies in that folder."""
    content = _Content(document)
    yield from _targets_faults(content, folder)
    yield from _stage_faults(content)
    yield from _trace_faults(content, folder)
    yield from _model_faults(content, folder)
    yield from _scenario_faults(content)
    yield from _file_faults(content, folder)
    yield from _objective_faults(content)
    yield from _id_faults(content)


class _Content:
    """What was written, as far as it has the right shape."""

    def __init__(self, document: Document) -> None:
        self._told = {fault.path for fault in document.faults}
        self.fault = document.fault
        self.data = _mapping(document.data)
        self.load = _mapping(self.data.get("load"))
        arrivals = self.load.get("arrivals")
        self.batch = self.load.get("kind") == "batch"
        self.replays = isinstance(arrivals, dict) and not self.batch and not {"gamma", "bursts"} & arrivals.keys()
        self.trace = _sound(Trace, arrivals) if self.replays else None
        self.traced_models: list[str] = []
        self.stages = [
            ((*_STAGES, *place), stage) for place, stage in written_stages(_sequence(self.load.get("stages")))
        ]
        self.targets = {name: _mapping(spec) for name, spec in _mapping(self.data.get("targets")).items()}
        self.scenarios = {name: _mapping(spec) for name, spec in _mapping(self.data.get("scenarios")).items()}

    @property
    def stage_names(self) -> list[str]:
        if self.batch:
            return [BATCH_STAGE]
        if self.replays and not self.stages:
            return [TRACE_STAGE]
        return [name for number, (_, stage) in enumerate(self.stages) for name in written_names(stage, number)]

    @property
    def sound_targets(self) -> list[tuple[Location, Target]]:
        """Each target that is sound by itself, and where it stands."""
        found: list[tuple[Location, Target | None]]
        if self.targets:
            found = [(("targets", name), _sound(NamedTarget, written)) for name, written in self.targets.items()]
        else:
            found = [(("target",), _sound(Target, self.data.get("target", {})))]
        return [(place, target) for place, target in found if target]

    @property
    def models(self) -> list[str]:
        """Of scenarios, and of the rows of a trace."""
        written = [model for scenario in self.scenarios.values() for model in _models(scenario)]
        return list(dict.fromkeys([*written, *self.traced_models]))

    def untold(self, location: Location) -> bool:
        return ".".join(map(str, location)) not in self._told


def _targets_faults(content: _Content, folder: Path) -> Iterator[Fault]:
    if content.targets and content.data.get("target") is not None:
        yield content.fault(("targets",), "leave out either this or target", at_key=True)
    yield from _compare_faults(content)
    for place, target in content.sound_targets:
        yield from _target_faults(content, folder, place, target)


def _compare_faults(content: _Content) -> Iterator[Fault]:
    if content.data.get("compare") is None:
        return
    if len(content.targets) < 2:
        yield content.fault(("compare",), "needs two targets or more: write them under targets", at_key=True)
    elif content.load and content.load.get("kind", "open") != "open":
        yield content.fault(("compare",), "needs load.kind: open, where no target waits for another", at_key=True)
    for name, target in content.targets.items():
        if "share" in target:
            message = "every target is sent everything: leave this out, or leave out compare"
            yield content.fault(("targets", name, "share"), message, at_key=True)


def _target_faults(content: _Content, folder: Path, place: Location, target: Target) -> Iterator[Fault]:
    guardrails = _sound(Guardrails, content.data.get("guardrails", {}))
    if target.fake_preset:
        for message in _preset_faults(target.fake_preset):
            yield content.fault((*place, "base_url"), message)
    elif guardrails:
        yield from _guardrail_faults(content, place, target, guardrails)
    if target.secure:
        yield from _tls_faults(content, place, target.found_from(folder))


def _tls_faults(content: _Content, place: Location, target: Target) -> Iterator[Fault]:
    try:
        target_context(origin_of(target.base_url), ca_file=target.tls.ca_file, client_cert=target.tls.client_cert)
    except AuthorError as error:
        for fault in error.faults:
            yield content.fault((*place, "tls", fault.path), fault.message)


def _guardrail_faults(content: _Content, place: Location, target: Target, guardrails: Guardrails) -> Iterator[Fault]:
    lacking = [f"{name}: {example}" for name, example in guardrails.lacking(target).items()]
    if not guardrails.allow(target):
        remedy = f"guardrails: {{{', '.join([f'allow_hosts: [{target.host}]', *lacking])}}}"
        message = f"'{target.host}' is not this machine; to send load there, write {remedy}"
        yield content.fault((*place, "base_url"), message)
    elif lacking:
        message = f"load for '{target.host}' needs bounds: write {', '.join(lacking)}"
        yield content.fault(("guardrails",), message)


def _model_faults(content: _Content, folder: Path) -> Iterator[Fault]:
    """Of what targets say of models. Once the trace was read, which may name some."""
    for place, target in content.sound_targets:
        if content.untold((*place, "prices")):
            yield from _price_faults(content, folder, place, target)
        for model in target.models:
            if model not in content.models:
                message = f"no scenario asks for '{model}'{nearest(model, content.models)}"
                yield content.fault((*place, "models", model), message, at_key=True)


def _price_faults(content: _Content, folder: Path, place: Location, target: Target) -> Iterator[Fault]:
    """Of a list of the author's own, and of models whose dollars nobody could count."""
    location = (*place, "prices")
    guardrails = _sound(Guardrails, content.data.get("guardrails", {}))
    try:
        prices = target.found_from(folder).known_prices
    except AuthorError as error:
        for fault in error.faults:
            yield content.fault(location, str(fault))
        return
    capped = guardrails is not None and guardrails.max_usd is not None and target.fake_preset is None
    for model in content.models if capped else ():
        if price_of(model, prices) is None:
            path = ".".join(map(str, location))
            remedy = f"{path}: {{{model}: {{input: $2, output: $8}}}}, per million tokens"
            yield content.fault(location, f"none for '{model}', so max_usd could not be kept: write {remedy}")


def _preset_faults(name: str) -> list[str]:
    from relayload.fakerelay.preset import read  # slow to import, and needed for fake relays alone

    try:
        read(name)
    except AuthorError as error:
        return [str(fault) for fault in error.faults]
    except OSError as error:
        return [f"{name}: cannot be read: {error.strerror}"]
    return []


def _stage_faults(content: _Content) -> Iterator[Fault]:
    stages, closed = content.stages, content.load.get("kind") == "closed"
    if content.batch:
        return  # stages are unknown to it
    if not stages:
        if content.load and not content.replays and not content.load.get("stages"):
            example = "{for: 1m}" if closed else "{for: 1m, rate: 5/s}"
            yield content.fault(_STAGES, f"at least one is needed, such as {example}")
        return
    yield from _name_faults(content)
    if not any(_counts(stage) for _, stage in stages):
        yield content.fault(_STAGES, "all are warm-ups, cool-downs or pauses: nothing would be measured")
    for location, stage in stages:
        if stage.get("warmup") is stage.get("cooldown") is True:
            yield content.fault((*location, "cooldown"), "is a warm-up already: leave out one of them", at_key=True)
    if not closed:
        yield from _rates_in_a_replay(content) if content.replays else _rate_faults(content)


def _counts(stage: dict[str, Any]) -> bool:
    """Whether something is sent in it and measured."""
    return "pause" not in stage and stage.get("warmup") is not True and stage.get("cooldown") is not True


def _name_faults(content: _Content) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, (location, stage) in enumerate(content.stages):
        names = written_names(stage, number)
        for name in names:
            if name in seen:
                yield content.fault((*location, "name"), f"'{name}' is the name of an earlier stage too")
        seen.update(names)


def _rate_faults(content: _Content) -> Iterator[Fault]:
    sending = [(location, stage) for location, stage in content.stages if "pause" not in stage]
    for location, stage in sending:
        if stage.get("rate") is None:
            yield content.fault((*location, "rate"), "is required, such as '5/s' or '300/min'")
        if stage.get("steps") is not None and stage.get("to") is None:
            yield content.fault((*location, "steps"), "lead from one rate to another: write to:, too", at_key=True)
    rates = [stage.get(key) for _, stage in sending for key in ("rate", "to") if stage.get(key) is not None]
    if rates and all(_sound(_RATE, rate) == 0 for rate in rates):
        yield content.fault(_STAGES, "nothing would be sent: give one a rate above zero")
    load: OpenLoad | None = _sound(OpenLoad, content.load)
    arrivals = expected_arrivals(load.stages) if load else 0.0
    if arrivals > MOST_ARRIVALS:
        message = f"{arrivals:,.0f} arrivals are more than one run can hold: shorten a stage, or lower its rate"
        yield content.fault(_STAGES, message)


def _rates_in_a_replay(content: _Content) -> Iterator[Fault]:
    for location, stage in content.stages:
        for key in ("rate", "to", "steps", "pause"):
            if stage.get(key) is not None:
                message = "the trace gives the rate: leave this out, or change load.arrivals.speed"
                yield content.fault((*location, key), message, at_key=True)


def _trace_faults(content: _Content, folder: Path) -> Iterator[Fault]:
    trace = content.trace
    if trace and trace.loop and not content.stages:
        yield content.fault(_LOOP, "has no end: say when by load.stages, such as [{for: 10m}]", at_key=True)
    if trace and content.untold(_TRACE):
        try:
            content.traced_models += traces.check(trace.found_from(folder), tuple(content.scenarios), ROWS_CHECKED)
        except AuthorError as error:
            for fault in error.faults:
                yield content.fault(_TRACE, str(fault))


def _scenario_faults(content: _Content) -> Iterator[Fault]:
    classes: dict[str, str] = {}
    for name, scenario in content.scenarios.items():
        first = classes.setdefault(class_name(name), name)
        if first != name:
            yield content.fault(("scenarios", name), f"'{name}' and '{first}' make the same class name", at_key=True)
        yield from _prompt_faults(content, name, scenario)
        yield from _conversation_faults(content, name, scenario)
        for key, message in unfit(scenario):
            yield content.fault(("scenarios", name, key), message, at_key=True)


def _prompt_faults(content: _Content, name: str, scenario: dict[str, Any]) -> Iterator[Fault]:
    trace = content.trace
    if trace and trace.holds_blocks and scenario.get("prompt") is not None:
        message = "the blocks of the trace are the prompt: leave this out"
        yield content.fault(("scenarios", name, "prompt"), message, at_key=True)
    sized = trace.sized if trace else content.replays
    if not content.load or sized or scenario.get("input_tokens") is not None:
        return
    if scenario.get("prompt") is None:
        known = ", ".join(SETS)
        yield content.fault(
            ("scenarios", name, "prompt"), f"is required: {known}, {{text: ...}} or {{file: ...}}; or input_tokens"
        )
    if scenario.get("shared_prefix") is not None:
        message = "is a part of input_tokens: write these, too"
        yield content.fault(("scenarios", name, "shared_prefix"), message, at_key=True)


def _conversation_faults(content: _Content, name: str, scenario: dict[str, Any]) -> Iterator[Fault]:
    if scenario.get("conversation") is None:
        return
    location = ("scenarios", name, "conversation")
    if content.replays:
        yield content.fault(location, "the rows of a trace are single requests: leave this out", at_key=True)
    if content.batch:
        yield content.fault(location, "a batch is a list of single requests: leave this out", at_key=True)
    if content.load.get("limits") is not None:
        yield content.fault(location, "later turns could break load.limits: leave out one of them", at_key=True)


def _file_faults(content: _Content, folder: Path) -> Iterator[Fault]:
    """Files of prompts and of counts that can't be read."""
    for name, scenario in content.scenarios.items():
        for key, kind in (("prompt", PromptFile), ("input_tokens", SeenAmounts), ("max_output_tokens", SeenAmounts)):
            part = _sound(kind, scenario.get(key))
            location = ("scenarios", name, key, "file")
            try:
                _ = part and part.found_from(folder).content
            except OSError as error:
                yield content.fault(location, f"{part.file}: cannot be read: {error.strerror}")
            except ValueError as error:
                yield content.fault(location, str(error))


def _objective_faults(content: _Content) -> Iterator[Fault]:
    names = {
        "scenarios": list(content.scenarios),
        "models": content.models,
        "stages": content.stage_names,
    }
    if not all(names.values()):
        return  # what they could name has faults of its own
    names["targets"] = list(content.targets) if len(content.targets) > 1 else []
    yield from _own_objective_faults(content, names)
    for number, written in enumerate(_sequence(content.data.get("objectives"))):
        entry = _sound(ObjectiveEntry, written)
        location = ("objectives", number, "expr") if isinstance(written, dict) else ("objectives", number)
        for message in unknown_names(entry.expr, **names) if entry else ():
            yield content.fault(location, message)
        if entry and entry.expr.metric == "batch" and not content.batch:
            yield content.fault(
                location, f"only a batch load has a {entry.expr.aggregate}: write load: {{kind: batch}}"
            )


def _own_objective_faults(content: _Content, names: dict[str, list[str]]) -> Iterator[Fault]:
    """Those of the pass conditions that scenarios carry themselves."""
    for name, scenario in content.scenarios.items():
        for number, written in enumerate(_sequence(scenario.get("objectives"))):
            entry = _sound(ObjectiveEntry, written)
            location = ("scenarios", name, "objectives", number)
            try:
                messages = unknown_names(within_scenario(entry.expr, name), **names) if entry else []
            except ValueError as error:
                messages = [str(error)]
            for message in messages:
                yield content.fault((*location, "expr") if isinstance(written, dict) else location, message)


def _id_faults(content: _Content) -> Iterator[Fault]:
    """Reports and baselines know an objective by its id."""
    placed: list[tuple[str | None, Location, Any]] = [
        (name, ("scenarios", name, "objectives", number), written)
        for name, scenario in content.scenarios.items()
        for number, written in enumerate(_sequence(scenario.get("objectives")))
    ]
    placed += [
        (None, ("objectives", n), written) for n, written in enumerate(_sequence(content.data.get("objectives")))
    ]
    seen: set[str] = set()
    for scenario, location, written in placed:
        entry = _sound(ObjectiveEntry, written)
        if entry is None:
            continue
        called = entry.objective.id if scenario is None or entry.id else f"{scenario}: {entry.objective.id}"
        if called in seen and entry.id:
            yield content.fault((*location, "id"), f"'{called}' is the id of another objective, too")
        elif called in seen:
            yield content.fault(location, f"another objective is called '{called}', too: give one of them an id")
        seen.add(called)


def _models(scenario: dict[str, Any]) -> list[str]:
    model = scenario.get("model")
    return list(model) if isinstance(model, dict) else [model] if isinstance(model, str) else []


def _sound(model: Any, value: Any) -> Any:
    """The value as that model, or None: the faults inside are told by the whole."""
    validate = model.validate_python if isinstance(model, TypeAdapter) else model.model_validate
    try:
        return validate(value)
    except ValidationError:
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
