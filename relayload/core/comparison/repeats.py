"""Repeated runs of one profile: a line for each run, and their spread."""

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from relayload.core.exit_codes import ExitCode
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict
from relayload.core.stats.sample import Distribution

NUMBERS = ("ttft_p50_s", "ttft_p99_s", "latency_p50_s", "latency_p99_s", "ok_per_s", "errors")
"""The numbers of each run. Percentiles and rates are of the measured stages, errors of the whole run."""


VERDICTS = (ExitCode.FAIL, ExitCode.UNPROVEN, ExitCode.PASS)
"""The exit codes of runs that were completed, worst first."""


class RunLine(Struct, frozen=True, kw_only=True):
    """One of the runs; a number is None where nothing was measured."""

    run_dir: str
    verdict: Verdict
    unfit: str | None
    """Why its numbers can't be compared with those of others; None if they can."""
    ttft_p50_s: float | None
    ttft_p99_s: float | None
    latency_p50_s: float | None
    latency_p99_s: float | None
    ok_per_s: float | None
    errors: int
    started_at: str = ""


class Spread(Struct, frozen=True):
    """The median, the minimum and the maximum of the runs."""

    median: float
    min: float
    max: float


class Repeats(Struct, frozen=True, kw_only=True):
    """The content of `relayload run --repeat N --json`."""

    exit_code: int
    runs: tuple[RunLine, ...]
    spread: dict[str, Spread]
    """By the name of the number, over comparable runs; without numbers that none of them has."""
    schema_version: int = 1


def run_line(run_dir: str, summary: Summary, verdict: Verdict, unfit: str | None) -> RunLine:
    """Return the line of a run."""
    return RunLine(
        run_dir=run_dir,
        verdict=verdict,
        unfit=unfit,
        ttft_p50_s=_percentile(summary.metrics.ttft, 50.0),
        ttft_p99_s=_percentile(summary.metrics.ttft, 99.0),
        latency_p50_s=_percentile(summary.metrics.latency, 50.0),
        latency_p99_s=_percentile(summary.metrics.latency, 99.0),
        ok_per_s=summary.rates.ok_per_s,
        errors=sum(error.count for error in summary.errors),
        started_at=summary.started_at,
    )


def worst(exit_codes: Iterable[int]) -> int:
    """Return the exit code of the worst verdict; one that did not complete its run comes first."""
    return min(exit_codes, key=lambda code: VERDICTS.index(code) if code in VERDICTS else -1)


def repeats(runs: Sequence[RunLine], exit_code: int) -> Repeats:
    """Return all runs with their spread."""
    fit = [run for run in runs if run.unfit is None]
    numbers = {name: [number for run in fit if (number := getattr(run, name)) is not None] for name in NUMBERS}
    spread = {name: Spread(median(found), min(found), max(found)) for name, found in numbers.items() if found}
    return Repeats(exit_code=exit_code, runs=tuple(runs), spread=spread)


def _percentile(distribution: Distribution | None, p: float) -> float | None:
    known = distribution.percentiles if distribution else ()
    return next((percentile.value for percentile in known if percentile.p == p), None)
