"""The health of the generator, from the workers' records and last lines."""

import math
from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summary import ErrorCount, GeneratorHealth
from relayload.core.model.health import STARVED, Thresholds, doubts
from relayload.core.model.record import End
from relayload.core.model.run import RunInfo, WorkerInfo
from relayload.core.stats.sample import Distribution
from relayload.core.units import format_duration

_ERROR_P = 99.0


def health_of(
    fold: Fold,
    run: RunInfo,
    errors: Iterable[ErrorCount],
    late_p99_s: float | None,
    faults: tuple[str, ...],
    ttft: Distribution | None = None,
    lost: int = 0,
) -> GeneratorHealth:
    """Return the health of the worst worker; it is valid without faults of the recording and without doubts."""
    reasons = (*faults, *_doubts(fold, run.thresholds, errors, lost), *_clock_doubts(run))
    health = _health(fold.ends, late_p99_s, reasons, worst(info.clock_error_s for info in run.worker_reports))
    if health.timestamps != "kernel" or ttft is None or fold.of_snapshots:
        return health
    return structs.replace(
        health, ttft_error_p99_s=next(each.too_late for each in ttft.percentiles if each.p == _ERROR_P)
    )


def timestamps_of(ends: Sequence[End]) -> str | None:
    """Return the worst kind of timestamps that any worker had; None without workers."""
    clocks = {end.timestamps for end in ends}
    return ("kernel" if clocks == {"kernel"} else "user") if clocks else None


def _doubts(fold: Fold, thresholds: Thresholds, errors: Iterable[ErrorCount], lost: int) -> tuple[str, ...]:
    return doubts(
        thresholds,
        started=fold.started,
        late=fold.count_late(thresholds.late_s),
        dropped=fold.drop_reasons,
        lost=lost,
        timestamps=timestamps_of(fold.ends),
        loop_lag_p95_s=worst(end.loop_lag_p95_s for end in fold.ends),
        loop_lag_p99_s=worst(end.loop_lag_p99_s for end in fold.ends),
        starved=sum(error.count for error in errors if error.error in STARVED),
    )


def _clock_doubts(run: RunInfo) -> Iterator[str]:
    """Check how far the schedules of workers on other hosts may have been off, and the wall clocks there."""
    error_s, _, worst_info = max(
        ((info.clock_error_s or 0.0, -info.worker, info) for info in run.worker_reports), default=(0.0, 0, None)
    )
    if worst_info is not None and error_s > run.thresholds.late_s:
        yield (
            f"the schedule of worker {worst_info.worker} ({worst_info.host}) may have been off by "
            f"{format_duration(error_s)}, more than generator.late ({format_duration(run.thresholds.late_s)}): its "
            "clock is compared with the master's by messages, which took too long; bring master and workers closer "
            "together, or raise generator.late"
        )
    for info in run.worker_reports:
        if info.clock_steps and info.clock_error_s:
            yield (
                f"the wall clock of worker {info.worker} ({info.host}) was stepped during the run: have NTP slew it, "
                "and keep the machine from being suspended"
            )


def stepped_clocks(reports: Iterable[WorkerInfo]) -> tuple[str, ...]:
    """Return a warning if the wall clock of the master's host was stepped, which makes no number of the run wrong."""
    stepped = any(info.clock_steps for info in reports if not info.clock_error_s)
    return ("the wall clock was stepped during the run: don't look for its requests in other logs by time",) * stepped


def _health(
    ends: Sequence[End], late_p99_s: float | None, reasons: tuple[str, ...], clock_error_s: float | None
) -> GeneratorHealth:
    fullest = max(ends, key=_files_share, default=None)
    return GeneratorHealth(
        timestamps=timestamps_of(ends),
        loop_lag_p99_s=worst(end.loop_lag_p99_s for end in ends),
        late_p99_s=late_p99_s,
        clock_error_s=clock_error_s,
        cpu_share=worst(end.cpu_share for end in ends),
        gc_pause_max_s=worst(end.gc_pause_max_s for end in ends),
        open_files_max=fullest.open_files_max if fullest else None,
        open_files_limit=fullest.open_files_limit if fullest else None,
        valid=not reasons,
        reasons=reasons,
    )


def _files_share(end: End) -> float:
    return (end.open_files_max or 0) / (end.open_files_limit or math.inf)


def worst(values: Iterable[float | None]) -> float | None:
    """Return the highest of the known values."""
    return max((value for value in values if value is not None), default=None)
