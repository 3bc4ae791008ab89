"""Checks on loads: their stages, and the trace that they replay."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from relayload.core.errors import AuthorError, Fault
from relayload.document import Location
from relayload.profile import trace as traces
from relayload.profile.checks.content import STAGES, Content, sound
from relayload.profile.loads import OpenLoad
from relayload.profile.stages import expected_arrivals, written_names
from relayload.profile.types import Rate

ROWS_CHECKED = 10_000
"""How many rows of a trace are read with every profile. `relayload check` reads all that would be sent."""

MOST_ARRIVALS = 100_000_000
"""More than a day at a thousand per second. A longer schedule is hardly intended."""

_RATE = TypeAdapter(Rate)
_NOTHING_MEASURED = (
    "nothing is sent at this rate, and no other measured stage sends anything: give one a rate above zero; for a "
    "silence between stages write {pause: 10s}"
)
_TRACE: Location = ("load", "arrivals", "trace")
_LOOP: Location = ("load", "arrivals", "loop")


def stage_faults(content: Content) -> Iterator[Fault]:
    stages, closed = content.stages, content.load.get("kind") == "closed"
    if content.batch:
        return  # it has no stages
    if not stages:
        if content.load and not content.replays and not content.load.get("stages"):
            example = "{for: 1m}" if closed else "{for: 1m, rate: 5/s}"
            yield content.fault(STAGES, f"at least one is needed, such as {example}")
        return
    yield from _name_faults(content)
    if not any(_counts(stage) for _, stage in stages):
        yield content.fault(STAGES, "all are warm-ups, cool-downs or pauses: nothing would be measured")
    for location, stage in stages:
        if stage.get("warmup") is stage.get("cooldown") is True:
            yield content.fault((*location, "cooldown"), "is a warm-up already: leave out one of them", at_key=True)
    if not closed:
        yield from _rates_in_a_replay(content) if content.replays else _rate_faults(content)


def _counts(stage: dict[str, Any]) -> bool:
    """Return whether the stage sends requests and is measured."""
    return "pause" not in stage and stage.get("warmup") is not True and stage.get("cooldown") is not True


def _name_faults(content: Content) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, (location, stage) in enumerate(content.stages):
        names = written_names(stage, number)
        for name in names:
            if name in seen:
                yield content.fault((*location, "name"), f"'{name}' is the name of an earlier stage too")
        seen.update(names)


def _rate_faults(content: Content) -> Iterator[Fault]:
    sending = [(location, stage) for location, stage in content.stages if "pause" not in stage]
    for location, stage in sending:
        if stage.get("rate") is None:
            yield content.fault((*location, "rate"), "is required, such as '5/s' or '300/min'")
        if stage.get("steps") is not None and stage.get("to") is None:
            yield content.fault((*location, "steps"), "lead from one rate to another: write to:, too", at_key=True)
    if sending and all(_silent(stage) for _, stage in sending):
        yield content.fault(STAGES, "nothing would be sent: give one a rate above zero")
    elif (measured := [each for each in sending if _counts(each[1])]) and all(_silent(stage) for _, stage in measured):
        yield content.fault((*measured[0][0], "rate"), _NOTHING_MEASURED)
    load: OpenLoad | None = sound(OpenLoad, content.load)
    arrivals = expected_arrivals(load.stages) if load else 0.0
    if arrivals > MOST_ARRIVALS:
        message = f"{arrivals:,.0f} arrivals are more than one run can hold: shorten a stage, or lower its rate"
        yield content.fault(STAGES, message)


def _silent(stage: dict[str, Any]) -> bool:
    """Return whether the rate is zero throughout."""
    rates = [stage.get(key) for key in ("rate", "to") if stage.get(key) is not None]
    return bool(rates) and all(sound(_RATE, rate) == 0 for rate in rates)


def _rates_in_a_replay(content: Content) -> Iterator[Fault]:
    for location, stage in content.stages:
        for key in ("rate", "to", "steps", "pause"):
            if stage.get(key) is not None:
                message = "the trace gives the rate: leave this out, or change load.arrivals.speed"
                yield content.fault((*location, key), message, at_key=True)


def trace_faults(content: Content) -> Iterator[Fault]:
    trace = content.trace
    if trace and trace.loop and not content.stages:
        yield content.fault(_LOOP, "has no end: say when by load.stages, such as [{for: 10m}]", at_key=True)
    if trace and content.unreported(_TRACE):
        try:
            content.traced_models += traces.check(
                trace.found_from(content.folder), tuple(content.scenarios), ROWS_CHECKED
            )
        except AuthorError as error:
            for fault in error.faults:
                yield content.fault(_TRACE, str(fault))
