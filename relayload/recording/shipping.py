"""Ships a growing records file over a channel that may lose, repeat and reorder messages: both ends as state machines.

The sender keeps a window of unacknowledged pieces. The receiver appends a piece only where its file ends, and answers
each with the size that it has. Whatever is not acknowledged in time is sent again from the acknowledged size on
(go-back-N, as in RFC 3366, section 2).
"""

import math
from collections import deque

PIECE_BYTES = 128 << 10
"""The most bytes of a piece, before compression: the channel also carries heartbeats, which must not wait for long."""
_WINDOW = 2
_FLUSH_S = 0.25
"""How long a piece that could be longer is held back."""
_RESEND_S = 3.0


class Sender:
    """Decides which piece of a file is sent when."""

    def __init__(self) -> None:
        self.acknowledged = 0
        """The bytes that the receiver has."""
        self._ends: deque[int] = deque()
        self._sent_at_s = -math.inf
        self._resend_at_s = math.inf

    def next_offset(self, size: int, now_s: float) -> int | None:
        """Return where the next piece of a file of that size begins; None if nothing is to be sent now."""
        if now_s >= self._resend_at_s:
            self._ends.clear()
        offset = self._ends[-1] if self._ends else self.acknowledged
        held_back = size - offset < PIECE_BYTES and now_s < self._sent_at_s + _FLUSH_S
        return None if offset >= size or len(self._ends) >= _WINDOW or held_back else offset

    def sent(self, end: int, now_s: float) -> None:
        """Note that the next piece was sent, up to that byte."""
        if not self._ends:
            self._resend_at_s = now_s + _RESEND_S
        self._ends.append(end)
        self._sent_at_s = now_s

    def acknowledge(self, size: int, now_s: float) -> None:
        """Note the size that the receiver has. One that it had before says nothing new."""
        if size <= self.acknowledged:
            return
        self.acknowledged = size
        while self._ends and self._ends[0] <= size:
            self._ends.popleft()
        self._resend_at_s = now_s + _RESEND_S if self._ends else math.inf


class Receiver:
    """Decides what of a piece is appended. Whoever writes adds the bytes written to `size`."""

    def __init__(self) -> None:
        self.size = 0

    def continuation(self, offset: int, data: bytes) -> bytes:
        """Return what of a piece continues the file; empty for a piece that is known, or that others must precede."""
        known = self.size - offset
        return data[known:] if 0 <= known < len(data) else b""


def whole_lines(data: bytes) -> bytes:
    """Return the whole lines at the beginning of some data; all of it if it has no line end."""
    return data[: data.rfind(b"\n") + 1] or data
