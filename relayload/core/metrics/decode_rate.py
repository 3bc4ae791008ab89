"""Output tokens over time, each answer's spread evenly from its first token to its last.

Counted where requests end, the tokens of long answers would come in spikes that no relay sent.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import mul, sub

from relayload.core.metrics.columns import Columns
from relayload.core.metrics.time_bins import Bins


def decoded_in(parts: Iterable[Columns], bins: Bins) -> list[float]:
    """Return the tokens of the answering attempts that were decoded in each bin.

    An answer of r tokens a second adds r to the slope of the sum of all tokens at its first token, and takes it away at
    its last: from the sums of these changes, and of each times its instant, the tokens until any later instant follow.
    Answers that began and ended in one bin, as most do, count there as a whole, as do those that were not streamed.
    """
    slopes, moments, whole = ([0.0] * bins.count for _ in range(3))
    number = bins.number
    current, begin_s, end_s = 0, math.inf, -math.inf
    for columns in parts:
        for begins_s, ends_s, tokens in _decoding(columns):
            if not (begin_s <= begins_s and ends_s < end_s):
                begin, end = number(begins_s), number(ends_s)
                if begin != end:
                    rate = tokens / (ends_s - begins_s)
                    slopes[begin] += rate
                    moments[begin] += rate * begins_s
                    slopes[end] -= rate
                    moments[end] -= rate * ends_s
                    continue
                current, begin_s, end_s = end, end * bins.step_s, (end + 1) * bins.step_s
            whole[current] += tokens
    edges_s = [(position + 1) * bins.step_s for position in range(bins.count)]
    until = list(map(sub, map(mul, accumulate(slopes), edges_s), accumulate(moments)))
    return [
        max(0.0, after - before) + more for after, before, more in zip(until, [0.0, *until[:-1]], whole, strict=True)
    ]


def _decoding(columns: Columns) -> Iterator[tuple[float, float, float]]:
    """Yield when each answer with tokens began and ended to be decoded, and their number."""
    names = ("due", "latency", "service", "ttft", "last_token", "output_tokens")
    for due_s, latency_s, service_s, first_s, last_s, tokens in zip(*map(columns.__getitem__, names), strict=True):
        sent_s = due_s + latency_s - service_s
        ends_s = sent_s + (service_s if last_s != last_s else last_s)
        if tokens > 0 and ends_s == ends_s:
            yield (sent_s + first_s if first_s < last_s else ends_s), ends_s, tokens
