"""The metrics that no field of a record holds."""

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from relayload.core.metrics.reading import Column
from relayload.core.wire.tpot import tpot_s


def tpot(column: Column, answers: Sequence[Any]) -> list[float | None]:
    """The mean time between the streamed tokens of each answer."""
    rows = zip(column("ttft"), column("last_token"), map(attrgetter("streamed_tokens"), answers), strict=True)
    return [tpot_s(first_s, last_s, n) if n else None for first_s, last_s, n in rows]


def output_rate(column: Column) -> list[float]:
    """Output tokens per second until the last of them came; NaN where that can't be told.

    The last token of an answer in one piece comes with its last byte.
    """
    rows = zip(column("service"), column("ttft"), column("last_token"), column("output_tokens"), strict=True)
    seconds = ((last if ttft == ttft else service, n) for service, ttft, last, n in rows)
    return [n / until if until > 0 else math.nan for until, n in seconds]
