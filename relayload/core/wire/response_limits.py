"""How much of an answer a client takes before it gives the answer up: no relay is trusted to come to an end."""

import re
from dataclasses import dataclass
from itertools import accumulate

_QUOTED = re.compile(rb'"[^"]*"?')
_NEITHER = bytes(set(range(256)) - set(b"[]{}"))
"""What neither opens nor closes anything in JSON."""
_STEPS = bytes.maketrans(b"[{]}", b"\x02\x02\x00\x00")
LEVEL_BYTES = 8
"""What a level of JSON takes at least, as it is commonly written: `{"ab":{}}`."""
_FEW_VALUES_BYTES = 65_536
_RATIO_FROM_BYTES = 1_000_000


class TooLarge(Exception):
    """An answer is past one of the limits."""


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """The most that one answer may have, and what all unfinished answers of a process may hold in memory.

    Bodies and events count as they are once content encodings are undone.
    """

    header_bytes: int = 65_536
    """The header, and whatever else brings no part of the body: interim answers, trailers, extensions of chunks."""
    headers: int = 256
    """Header fields, repeated ones included."""
    interim: int = 20
    """Interim answers (1xx) before the final one."""
    body_bytes: int = 8_000_000
    """An answer in one piece; also the text of a stream, where it is kept."""
    stream_bytes: int = 64_000_000
    """A stream, and any answer on the wire with all its framing."""
    event_bytes: int = 4_000_000
    """One event of a stream."""
    inflated_bytes: int = 32_000_000
    """A compressed body once it is inflated, by each of its encodings."""
    inflate_ratio: float = 200.0
    """Inflated bytes over compressed ones, once there is a megabyte."""
    nesting: int = 500
    """Objects and arrays of JSON within one another."""
    values: int = 250_000
    """Values in one JSON text, which take far more memory than the text."""
    buffered_bytes: int = 48_000_000
    """All unfinished answers of one process: past it, the largest is given up."""

    def inflates_too_much(self, inflated_bytes: int, compressed_bytes: int) -> bool:
        """Whether a compressed body is a bomb."""
        if inflated_bytes > self.inflated_bytes:
            return True
        return inflated_bytes > _RATIO_FROM_BYTES and inflated_bytes > self.inflate_ratio * compressed_bytes


DEFAULT_RESPONSE_LIMITS = ResponseLimits()


def check_json(data: bytes, limits: ResponseLimits, *, numbers: bool = False) -> None:
    """Raise TooLarge for JSON that nests too deep or holds too many values.

    A text of fewer than 8 bytes a level is not looked at, since nearly all are: should it be nothing but brackets, it
    does no harm.
    `numbers`: long arrays of numbers are expected, which nobody makes into values.
    """
    if len(data) <= limits.nesting * LEVEL_BYTES:
        return
    opened = data.count(b"[") + data.count(b"{")
    if len(data) > _FEW_VALUES_BYTES and opened + (0 if numbers else data.count(b",")) > limits.values:
        raise TooLarge
    if opened > limits.nesting and _depth(data) > limits.nesting:
        raise TooLarge


def _depth(data: bytes) -> int:
    """The deepest nesting of a JSON text, as far as it is one; what stands in quotes does not count."""
    unescaped = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = _QUOTED.sub(b"", unescaped).translate(_STEPS, _NEITHER)
    return max(accumulate(step - 1 for step in outside), default=0)
