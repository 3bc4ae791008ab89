"""What a process has told since some instant, as one snapshot: what came later replaces what came before."""

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import TypeVar

from msgspec import structs

from relayload.core.model.snapshot import Slot, Snapshot

_Value = TypeVar("_Value")


def with_later(before: Snapshot | None, after: Snapshot) -> Snapshot:
    """Return two snapshots of one process as one, to be merged where neither of them was."""
    if before is None or after.whole:
        return after
    known = max(0, after.transitions_from - before.transitions_from)
    return structs.replace(
        after,
        whole=before.whole,
        slots=_latest(before.slots, after.slots, _place),
        indicators=_latest(before.indicators, after.indicators, attrgetter("indicator", "position")),
        windows=_latest(before.windows, after.windows, attrgetter("indicator", "window")),
        transitions=(*before.transitions[:known], *after.transitions),
        transitions_from=min(before.transitions_from, after.transitions_from),
        tallies=_latest(before.tallies, after.tallies, attrgetter("tags")),
    )


def _latest(
    before: Sequence[_Value], after: Sequence[_Value], place: Callable[[_Value], Hashable]
) -> tuple[_Value, ...]:
    """Return the values of both, one for each place, the later ones last: wide slots follow those that they cover."""
    replaced = set(map(place, after))
    return (*(value for value in before if place(value) not in replaced), *after)


def _place(slot: Slot) -> Hashable:
    return slot.tags, slot.span.begins_s
