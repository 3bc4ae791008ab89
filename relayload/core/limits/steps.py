"""The steps of a search, and how they are carried out."""

from collections.abc import Callable, Generator, Sequence
from functools import partial

from relayload.core.limits.observation import Pause, Seen, Stopped, Volley

Steps = Generator[Volley | Pause, tuple[float, Sequence[Seen]], None]
"""Yields what to do next, and is sent the time and what was seen of it, in the order of sending."""


def carry_out(steps: Steps, act: Callable[[Volley | Pause], tuple[float, Sequence[Seen]]]) -> None:
    """Carry out all steps of a search. Where `act` raises Stopped, the search ends with what it found."""
    step = next(steps, None)
    while step is not None:
        try:
            seen = act(step)
        except Stopped as stopped:
            step = _next(partial(steps.throw, stopped))
        else:
            step = _next(partial(steps.send, seen))


def _next(resume: Callable[[], Volley | Pause]) -> Volley | Pause | None:
    try:
        return resume()
    except StopIteration:
        return None
