"""How much of an answer a client reads before it gives up: no relay is trusted to stop sending."""

import re
from dataclasses import dataclass
from itertools import accumulate

_QUOTED = re.compile(rb'"[^"]*"?')
_NEITHER = bytes(set(range(256)) - set(b"[]{}"))
"""All bytes except JSON's brackets."""
_STEPS = bytes.maketrans(b"[{]}", b"\x02\x02\x00\x00")
LEVEL_BYTES = 8
"""The least that a level of JSON takes as commonly written: `{"ab":{}}`."""
_FEW_VALUES_BYTES = 65_536
_RATIO_FROM_BYTES = 1_000_000


class TooLarge(Exception):
    """An answer exceeds one of the limits."""


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """The limits of one answer, and of the memory for all unfinished answers of a process.

    Bodies and events are measured after decoding.
    """

    header_bytes: int = 65_536
    """The header and everything else beside the body: interim responses, trailers, chunk extensions."""
    headers: int = 256
    """The number of header fields, including repeated ones."""
    interim: int = 20
    """The number of interim responses (1xx) before the final one."""
    body_bytes: int = 8_000_000
    """An answer that is not streamed; also the text of a stream, if it is kept."""
    stream_bytes: int = 64_000_000
    """A stream, and any answer on the wire including framing."""
    event_bytes: int = 4_000_000
    """One event of a stream."""
    inflated_bytes: int = 32_000_000
    """A compressed body after each decoding step."""
    inflate_ratio: float = 200.0
    """Inflated bytes per compressed byte, checked above 1 MB."""
    nesting: int = 500
    """The depth of nested JSON objects and arrays."""
    values: int = 250_000
    """The number of values in one JSON text, which take far more memory than the text."""
    buffered_bytes: int = 48_000_000
    """All unfinished answers of one process; beyond it, the largest is dropped."""

    def inflates_too_much(self, inflated_bytes: int, compressed_bytes: int) -> bool:
        """Return whether a compressed body is a decompression bomb."""
        if inflated_bytes > self.inflated_bytes:
            return True
        return inflated_bytes > _RATIO_FROM_BYTES and inflated_bytes > self.inflate_ratio * compressed_bytes


DEFAULT_RESPONSE_LIMITS = ResponseLimits()


def check_json(data: bytes, limits: ResponseLimits, *, numbers: bool = False) -> None:
    """Raise TooLarge for JSON that is nested too deeply or holds too many values.

    Texts shorter than 8 bytes per allowed level, which nearly all are, are not checked: even if they were all brackets,
    they would do no harm. `numbers`: long arrays of numbers are expected and are not converted to values.
    """
    if len(data) <= limits.nesting * LEVEL_BYTES:
        return
    opened = data.count(b"[") + data.count(b"{")
    if len(data) > _FEW_VALUES_BYTES and opened + (0 if numbers else data.count(b",")) > limits.values:
        raise TooLarge
    if opened > limits.nesting and _depth(data) > limits.nesting:
        raise TooLarge


def _depth(data: bytes) -> int:
    """Return the deepest nesting of a JSON text, ignoring quoted strings."""
    unescaped = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = _QUOTED.sub(b"", unescaped).translate(_STEPS, _NEITHER)
    return max(accumulate(step - 1 for step in outside), default=0)
