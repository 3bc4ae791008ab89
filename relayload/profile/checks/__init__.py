"""Checks on what no part of a profile can judge alone.

Every check reads the content as written and considers the valid parts, so that it finds its faults whatever else is
wrong.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from relayload.core.errors import Fault
from relayload.document import Document
from relayload.profile.checks.audit import audit_faults
from relayload.profile.checks.content import Content
from relayload.profile.checks.loads import stage_faults, trace_faults
from relayload.profile.checks.objectives import cost_faults, id_faults, objective_faults, sound_objectives
from relayload.profile.checks.scenarios import file_faults, scenario_faults
from relayload.profile.checks.targets import model_faults, targets_faults
from relayload.profile.checks.telemetry import telemetry_faults


def checked(document: Document, folder: Path) -> Document:
    """Return the profile, which lies in that folder, with the faults between its parts added."""
    return replace(document, faults=(*document.faults, *_faults(Content(document, folder))))


def _faults(content: Content) -> Iterator[Fault]:
    objectives = list(sound_objectives(content))
    yield from targets_faults(content)
    yield from stage_faults(content)
    yield from trace_faults(content)
    yield from model_faults(content)
    yield from scenario_faults(content)
    yield from file_faults(content)
    yield from audit_faults(content)
    yield from telemetry_faults(content)
    yield from objective_faults(content, objectives)
    yield from cost_faults(content, objectives)
    yield from id_faults(content, objectives)
