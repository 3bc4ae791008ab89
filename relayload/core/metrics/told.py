"""What one process of a run has told of it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relayload.core.model.record import End, Transition
from relayload.core.model.snapshot import Slot, Tally
from relayload.core.model.tags import Tags


@dataclass
class Told:
    """Requests that have ended, and arrivals that were not started."""

    slots: dict[tuple[Tags, int], Slot] = field(default_factory=dict)
    """By tags and the second in which the slot begins."""
    tallies: dict[Tags, Tally] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    first_start_s: float | None = None
    last_due_at_s: float = 0.0
    last_end_s: float = 0.0
    late: int = 0
    """Requests that started later than the run's thresholds allow."""
    in_flight: Mapping[int, int] = field(default_factory=dict)
    """By the second in which they were due, requests that were started and have not ended."""
    health: End | None = None
