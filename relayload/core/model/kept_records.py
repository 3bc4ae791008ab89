"""Which single requests a recording keeps. Where these are not all, its numbers come from the snapshots."""

from dataclasses import dataclass
from hashlib import blake2b

from relayload.core.model.record import Drop, Line, Outcome, Record

_DRAWN_BYTES = 8


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """A choice of requests that every process makes alike. What is no request, as a breaker's change, is kept."""

    failed: bool
    """Those that did not end ok are kept, ..."""
    share: float
    """... and those of this share of all arrivals."""
    seed: int = 0

    def __contains__(self, line: Line) -> bool:
        match line:
            case Record():
                return (self.failed and line.outcome is not Outcome.OK) or self._is_drawn(line.index)
            case Drop():
                return self._is_drawn(line.index)
            case _:
                return True

    def _is_drawn(self, index: int) -> bool:
        """Return whether an arrival is in the sample, whoever sends it."""
        if not 0 < self.share < 1:
            return self.share > 0
        drawn = blake2b(f"{self.seed}:{index}".encode(), digest_size=_DRAWN_BYTES).digest()
        return int.from_bytes(drawn) < self.share * 2.0 ** (8 * _DRAWN_BYTES)


EVERY_RECORD = KeptRecords(failed=True, share=1.0)
