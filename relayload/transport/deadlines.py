"""Decides when an attempt has taken too long, and which of its timeouts has passed."""

from collections.abc import Callable
from typing import Any

from gevent import get_hub

from relayload import clock
from relayload.core.wire.request import Timeouts
from relayload.core.wire.stream import TokenStream
from relayload.transport.failures import Failure

END_OF_BODY_S = 1.0
"""How long a body may continue after `[DONE]`."""

Deadline = tuple[float, Failure]
"""An instant, and the failure when it passes."""


def next_deadline(
    timeouts: Timeouts, called_at_s: float, sent_at_s: float, stream: TokenStream | None, *, wants_stream: bool
) -> Deadline | None:
    """Return the next deadline, or None if there is none.

    `total_s` counts from the call, `cancel_after_s` from the send. On streams, `first_token_s` counts from the send,
    and `gap_s` from each content event to the next, until the answer is finished. After `[DONE]`, the end of the body
    must follow within END_OF_BODY_S.
    """
    deadlines: list[Deadline] = []
    if stream is not None and stream.done_at_s is not None:
        deadlines.append((stream.done_at_s + END_OF_BODY_S, Failure.TRUNCATED))
    if timeouts.total_s is not None:
        deadlines.append((called_at_s + timeouts.total_s, Failure.TOTAL_TIMEOUT))
    if timeouts.cancel_after_s is not None:
        deadlines.append((sent_at_s + timeouts.cancel_after_s, Failure.CANCELLED))
    if stream is None or stream.last_token_at_s is None:
        if wants_stream and timeouts.first_token_s is not None:
            deadlines.append((sent_at_s + timeouts.first_token_s, Failure.FIRST_TOKEN_TIMEOUT))
    elif timeouts.gap_s is not None and not stream.finished:
        deadlines.append((stream.last_token_at_s + timeouts.gap_s, Failure.GAP_TIMEOUT))
    return min(deadlines, default=None)


class DeadlineTimer:
    """Calls back when a deadline passes. The deadline may move later without notice: tokens need not touch a timer.

    `deadline()` returns the current deadline; `late(failure)` is called in the event loop once it has passed.
    """

    __slots__ = ("_deadline", "_late", "_timer")

    def __init__(self, deadline: Callable[[], Deadline | None], late: Callable[[Failure], None]) -> None:
        self._deadline = deadline
        self._late = late
        self._timer: Any = None

    def set(self) -> None:
        """Start the timer, or restart it: the next deadline may have come closer."""
        self.stop()
        deadline = self._deadline()
        if deadline is not None:
            self._timer = get_hub().loop.timer(max(0.0, deadline[0] - clock.now_s()))
            self._timer.start(self._on_timer)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _on_timer(self) -> None:
        deadline = self._deadline()
        if deadline is not None and deadline[0] <= clock.now_s():
            self.stop()
            self._late(deadline[1])
        else:
            self.set()
