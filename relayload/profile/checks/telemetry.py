"""Checks on `telemetry:`: a header that two parts of the profile set."""

from collections.abc import Iterator
from typing import Any

from relayload.core.errors import Fault
from relayload.core.traffic.trace_context import HEADER
from relayload.document import Location
from relayload.profile.checks.content import Content, mapping, sound
from relayload.profile.telemetry import Telemetry


def telemetry_faults(content: Content) -> Iterator[Fault]:
    telemetry: Telemetry | None = sound(Telemetry, content.data.get("telemetry", {}))
    if telemetry is None or telemetry.traced_share is None:
        return
    for place, part in _parts(content):
        for name in mapping(part.get("headers")):
            if str(name).lower() == HEADER:
                message = "telemetry.traceparent sets this header for each request: leave out one of them"
                yield content.fault((*place, "headers", name), message, at_key=True)


def _parts(content: Content) -> Iterator[tuple[Location, dict[str, Any]]]:
    yield ("target",), mapping(content.data.get("target"))
    for name, target in content.targets.items():
        yield ("targets", name), target
    for name, scenario in content.scenarios.items():
        yield ("scenarios", name), scenario
