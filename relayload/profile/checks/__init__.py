"""What no part of a profile can judge alone.

Every check reads the content as it was written and looks at those parts that are sound, so that it finds its faults
whatever else is wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from relayload.core.errors import Fault
from relayload.document import Document
from relayload.profile.checks.content import Content
from relayload.profile.checks.loads import stage_faults, trace_faults
from relayload.profile.checks.objectives import (
    Placed,
    cost_faults,
    id_faults,
    objective_faults,
    sound_objectives,
    with_entries,
)
from relayload.profile.checks.scenarios import file_faults, scenario_faults
from relayload.profile.checks.targets import model_faults, targets_faults


def checked(document: Document, folder: Path) -> Document:
    """A profile that lies in that folder, with the faults between its parts.

    Objectives that are sound stand in it as they were read, so that nobody has to read them again.
    """
    content = Content(document)
    objectives = list(sound_objectives(content))
    faults = (*document.faults, *_faults(content, objectives, folder))
    return replace(document, data=with_entries(document.data, objectives), faults=faults)


def _faults(content: Content, objectives: Sequence[Placed], folder: Path) -> Iterator[Fault]:
    yield from targets_faults(content, folder)
    yield from stage_faults(content)
    yield from trace_faults(content, folder)
    yield from model_faults(content, folder)
    yield from scenario_faults(content)
    yield from file_faults(content, folder)
    yield from objective_faults(content, objectives)
    yield from cost_faults(content, objectives, folder)
    yield from id_faults(content, objectives)
