"""Search for the highest load that still holds: doubling until one does not, then bisecting."""

from collections.abc import Callable

_HALVINGS = 2


def highest(holds: Callable[[int], bool], start: int, most: int) -> tuple[int, int | None]:
    """Return the highest load found to hold (0 if none), and the lowest found not to (None if all held).

    Tries `start` and its doubles up to `most`, or its halves if it does not hold, and then bisects twice.
    """
    good, bad = _doubled(holds, start, most)
    if not good and bad is not None:
        good, bad = _halved(holds, bad)
    for _ in range(_HALVINGS if bad is not None else 0):
        assert bad is not None
        middle = (good + bad) // 2
        if middle in (good, bad):
            break
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good, bad


def _doubled(holds: Callable[[int], bool], start: int, most: int) -> tuple[int, int | None]:
    good, load = 0, min(start, most)
    while holds(load):
        good = load
        if load == most:
            return good, None
        load = min(2 * load, most)
    return good, load


def _halved(holds: Callable[[int], bool], bad: int) -> tuple[int, int]:
    load = bad // 2
    while load:
        if holds(load):
            return load, bad
        load, bad = load // 2, load
    return 0, bad
