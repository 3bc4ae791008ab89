"""Values that ok answers should have and do not."""

import math
from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter

from relayload.core.metrics.catalog import METRICS, PER_CHUNK
from relayload.core.metrics.rows import Rows

_CHUNK_GAPS = attrgetter("chunk_gaps")


def measured(rows: Rows, metric: str) -> list[bool]:
    """Return which answers have a value of a metric."""
    if metric in PER_CHUNK:
        return list(map(bool, map(_CHUNK_GAPS, rows.answers)))
    values = rows[metric]
    return [True] * len(values) if math.isfinite(sum(values)) else [value == value for value in values]


def missing(rows: Rows, metric: str, has_value: Sequence[bool], *, streams: bool) -> list[bool]:
    """Return which ok answers have no value of a metric although they should.

    `has_value` is what `measured` returns; `streams` tells that all of them were requested as streams. What does not
    apply to an answer is not missing: values of a stream where none was requested, and those that its metric exempts.
    """
    known = METRICS[metric]
    if not known.of_streams:
        return [not has for has in has_value]
    exempt = known.exempt(rows.__getitem__, rows.answers) if known.exempt else repeat(False, len(rows))
    rows_of = zip(has_value, rows["ttft"], exempt, strict=True)
    return [not has and (not is_exempt if ttft == ttft else streams) for has, ttft, is_exempt in rows_of]
