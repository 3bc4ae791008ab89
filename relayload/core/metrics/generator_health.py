"""The health of the generator, from the workers' records and last lines."""

import math
from collections.abc import Iterable, Sequence

from msgspec import structs

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summary import ErrorCount, GeneratorHealth
from relayload.core.model.health import STARVED, Thresholds, doubts
from relayload.core.model.record import End
from relayload.core.stats.sample import Distribution

_ERROR_P = 99.0


def health_of(
    fold: Fold,
    thresholds: Thresholds,
    errors: Iterable[ErrorCount],
    late_p99_s: float | None,
    faults: tuple[str, ...],
    ttft: Distribution | None = None,
) -> GeneratorHealth:
    """Return the health of the worst worker; it is valid without faults of the recording and without doubts."""
    health = _health(fold.ends, late_p99_s, (*faults, *_doubts(fold, thresholds, errors)))
    if health.timestamps != "kernel" or ttft is None:
        return health
    return structs.replace(
        health, ttft_error_p99_s=next(each.too_late for each in ttft.percentiles if each.p == _ERROR_P)
    )


def _timestamps(ends: Sequence[End]) -> str | None:
    clocks = {end.timestamps for end in ends}
    return ("kernel" if clocks == {"kernel"} else "user") if clocks else None


def _doubts(fold: Fold, thresholds: Thresholds, errors: Iterable[ErrorCount]) -> tuple[str, ...]:
    return doubts(
        thresholds,
        started=fold.started,
        late=sum(tagged.values.count_above("late", thresholds.late_s) for tagged in fold.by_tags.values()),
        dropped=sum(map(len, fold.drops.values())),
        timestamps=_timestamps(fold.ends),
        loop_lag_p95_s=_worst(end.loop_lag_p95_s for end in fold.ends),
        loop_lag_p99_s=_worst(end.loop_lag_p99_s for end in fold.ends),
        starved=sum(error.count for error in errors if error.error in STARVED),
    )


def _health(ends: Sequence[End], late_p99_s: float | None, reasons: tuple[str, ...]) -> GeneratorHealth:
    fullest = max(ends, key=_files_share, default=None)
    return GeneratorHealth(
        timestamps=_timestamps(ends),
        loop_lag_p99_s=_worst(end.loop_lag_p99_s for end in ends),
        late_p99_s=late_p99_s,
        cpu_share=_worst(end.cpu_share for end in ends),
        gc_pause_max_s=_worst(end.gc_pause_max_s for end in ends),
        open_files_max=fullest.open_files_max if fullest else None,
        open_files_limit=fullest.open_files_limit if fullest else None,
        valid=not reasons,
        reasons=reasons,
    )


def _files_share(end: End) -> float:
    return (end.open_files_max or 0) / (end.open_files_limit or math.inf)


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
