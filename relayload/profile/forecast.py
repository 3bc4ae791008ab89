"""What can be said of a profile before it runs: its plan, and how many samples each objective can expect."""

import math
from collections.abc import Iterator

from msgspec.structs import asdict

from relayload.core.errors import AuthorError
from relayload.core.metrics.metric import Asked
from relayload.core.model.objective_options import Severity
from relayload.core.model.run import ALL
from relayload.core.objectives.sample_forecast import (
    OF_A_PLAN,
    SampleForecast,
    Sent,
    WindowTally,
    Wording,
    sample_forecast,
)
from relayload.core.traffic.plan import Plan
from relayload.core.units import format_bytes
from relayload.core.wire.structured_output import schema_of
from relayload.core.wire.tool_calls import asks_for_calls
from relayload.profile.expected import expected_turns
from relayload.profile.loads import OpenLoad
from relayload.profile.model import Profile
from relayload.profile.plan import plan, stages
from relayload.profile.prompt import PromptFile
from relayload.profile.scenario import Scenario
from relayload.profile.stages import expected_arrivals
from relayload.profile.trace import Trace

_QUICKLY_WALKED = 1_000_000
"""Arrivals that are counted in a few seconds. With more, hardly any objective lacks samples."""


class Forecast(Plan, frozen=True, kw_only=True):
    """A plan with the outlook for each objective."""

    objectives: tuple[SampleForecast, ...] = ()
    later_turns: int = 0
    """How many requests conversations are expected to add to their arrivals."""
    notes: tuple[str, ...] = ()
    """Rows of prompt files that are left out, and what the recording will lack."""


def forecast(profile: Profile, wording: Wording = OF_A_PLAN) -> Forecast:
    """Return the plan and the outlook. Raises AuthorError if an objective can't get the samples that it needs.

    `wording` says in these errors what is planned, and how to get more samples.
    """
    tallies = _tallies(profile)
    planned = plan(profile, [tally.add for tally in tallies.values()])
    sent = {name: _sent(scenario) for name, scenario in profile.scenarios.items()}
    targets = planned.targets or profile.target_shares
    keys = {name: target.key_shares for name, target in profile.named_targets.items()}
    placed = [
        (
            location,
            objective,
            sample_forecast(objective, planned.stages, sent, targets, tallies.get(objective.id), keys, wording),
        )
        for location, objective in profile.placed_objectives
    ]
    faults = [
        profile.fault(location, f"'{found.expr}' {found.problem}")
        for location, objective, found in placed
        if found.problem and objective.options.severity is Severity.ERROR
    ]
    if faults:
        raise AuthorError(faults)
    turns = sum(count * _later_turns(profile.scenarios[name]) for name, count in (planned.by_scenario or {}).items())
    return Forecast(
        **asdict(planned),
        objectives=tuple(found for *_, found in placed),
        later_turns=round(turns),
        notes=(*_notes(profile), *_size_note(profile, planned)),
    )


def check_samples(profile: Profile) -> None:
    """Raise AuthorError if an objective can't get the samples that it needs, unless that takes long to find out."""
    load = profile.load
    if not isinstance(load, OpenLoad) or isinstance(load.arrivals, Trace):
        return  # a long trace takes longer to read than a start may
    if expected_arrivals(load.stages) <= _QUICKLY_WALKED:
        forecast(profile)


def _tallies(profile: Profile) -> dict[str, WindowTally]:
    """Return what counts the arrivals of an open load in windows, by the ids of the objectives."""
    cut = stages(profile)
    if not isinstance(profile.load, OpenLoad) or not all(math.isfinite(stage.for_s) for stage in cut):
        return {}
    windowed = (objective for _, objective in profile.placed_objectives if objective.options.over_s is not None)
    return {objective.id: WindowTally(objective, cut) for objective in windowed}


def _sent(scenario: Scenario) -> Sent:
    answered = 1.0 - scenario.cancel.share if scenario.cancel else 1.0
    return Sent(scenario.models, answered * (1 + _later_turns(scenario)), frozenset(_asked(scenario)))


def _asked(scenario: Scenario) -> Iterator[Asked]:
    """Yield what the requests of a scenario ask for."""
    body = scenario.extra_fields
    if scenario.streams:
        yield Asked.STREAM
    if asks_for_calls(body):
        yield Asked.TOOLS
    if schema_of(scenario.endpoint, body) is not None:
        yield Asked.SCHEMA


def _later_turns(scenario: Scenario) -> float:
    return expected_turns(scenario) - 1


_SNAPSHOTS = "recording.records: all numbers come from snapshots; what takes single requests will be missing"


def _notes(profile: Profile) -> tuple[str, ...]:
    prompts = {name: scenario.prompt for name, scenario in profile.scenarios.items()}
    files = {name: prompt for name, prompt in prompts.items() if isinstance(prompt, PromptFile)}
    left_out = (
        f"{name}: rows of {prompt.file.name} left out, since no user asks or they begin with an answer: {count:,}"
        for name, prompt in files.items()
        if (count := prompt.prompts.left_out)
    )
    return (*left_out, *([_SNAPSHOTS] if profile.recording.records != ALL else []))


_RECORD_BYTES = 1_000
_COMPRESSED_RECORD_BYTES = 240
"""About what a streamed request takes on disk, as measured in docs/long-runs.md."""
_LARGE_BYTES = 1_000_000_000


def _size_note(profile: Profile, planned: Plan) -> Iterator[str]:
    """Yield what the records will take on disk where that is much."""
    if planned.total is None or profile.recording.records != ALL:
        return
    compressed = profile.recording.compress is not None
    size = planned.total.arrivals * (_COMPRESSED_RECORD_BYTES if compressed else _RECORD_BYTES)
    if size >= _LARGE_BYTES:
        less = "records: errors" if compressed else "compress: zstd takes a quarter, records: errors"
        yield f"recording: about {format_bytes(float(f'{size:.2g}'))} of records on disk; recording.{less} much less"
