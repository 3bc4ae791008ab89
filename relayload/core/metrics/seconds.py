"""Slots of time in which requests are counted, whether they have just ended or stand in a recording."""

SLOT_S = 1.0
_LEAST_SLOTS = 10


def slot_s(over_s: float | None) -> float:
    """How wide slots are: a second, or less in short windows, so that each has ten slots."""
    return SLOT_S if over_s is None else min(SLOT_S, over_s / _LEAST_SLOTS)


def slot_of(at_s: float, begins_at_s: float, width_s: float) -> int:
    """The number of the slot that holds an instant, given when the first begins.

    Slot i begins at begins_at_s + i * width_s in floating point, which is not always where a division says.
    """
    number = int((at_s - begins_at_s) / width_s)
    while at_s >= begins_at_s + (number + 1) * width_s:
        number += 1
    while at_s < begins_at_s + number * width_s:
        number -= 1
    return number
