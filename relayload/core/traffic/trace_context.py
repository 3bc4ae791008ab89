"""The context that tells a relay to which trace a request belongs. Source: W3C Trace Context, level 1."""

from hashlib import blake2b
from typing import NamedTuple

HEADER = "traceparent"
_TRACE_BYTES, _SPAN_BYTES, _RANDOM_BYTES = 16, 8, 7


class TraceContext(NamedTuple):
    """The context of one request, which all its attempts share."""

    trace_id: str
    header: str
    """The value of `traceparent`."""
    sampled: bool
    """Whether whoever follows its caller records the trace."""


class TraceContexts:
    """Gives each request of a run a trace of its own: no two runs share one, whatever their seeds."""

    def __init__(self, run_uid: str, share: float) -> None:
        """Have this share of the requests sampled."""
        self._run_uid = run_uid
        self._sampled_below = round(share * 256**_RANDOM_BYTES)

    def of(self, index: int, target: str, turn: int) -> TraceContext:
        """Return the context of a request. The end of the id decides on sampling, as collectors do by it."""
        text = f"{self._run_uid}:{index}:{turn}:{target}".encode()
        digest = blake2b(text, digest_size=_TRACE_BYTES + _SPAN_BYTES).digest()
        random = int.from_bytes(digest[_TRACE_BYTES - _RANDOM_BYTES : _TRACE_BYTES])
        trace_id, span_id = digest[:_TRACE_BYTES].hex(), digest[_TRACE_BYTES:].hex()
        sampled = random < self._sampled_below
        return TraceContext(trace_id, f"00-{trace_id}-{span_id}-{'01' if sampled else '00'}", sampled)
