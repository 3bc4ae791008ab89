"""Renders a calibration as text."""

from collections.abc import Iterator

from rich.text import Text

from relayload.core.model.calibration import Calibration, Ceiling, Spread, Trial
from relayload.core.units import format_duration
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen


def render_calibration(found: Calibration, screen: Screen = PLAIN) -> str:
    """Render what was asked for, how accurately it was measured, its CPU time, and the limits of this machine."""
    rows = [
        (f"TTFT error at {found.streams:,} streams", *_spread(found.streamed.ttft_error)),
        ("send lateness there", *_spread(found.streamed.late)),
        (f"send lateness at {found.rate_per_s:,} plain requests/s", *_spread(found.plain.late)),
    ]
    table = FittingTable([Column("", words=True), *map(Column, ("p50", "p99", "max"))], rows)
    return printed([table, Text(), *map(Text, (*_facts(found), *_doubts(found)))], screen)


def _facts(found: Calibration) -> Iterator[str]:
    request, chunk = format_duration(found.cpu_per_request_s), format_duration(found.cpu_per_chunk_s)
    yield f"timestamps      {found.streamed.timestamps or 'none'}"
    yield f"CPU             {request} per plain request · {chunk} per streamed chunk"
    if found.highest_rate_per_s:
        yield f"highest rate    {_ceiling(found.highest_rate_per_s, 'plain requests/s')}"
    if found.highest_streams:
        yield f"most streams    {_ceiling(found.highest_streams, 'streams of 100 tokens/s')}"
    yield f"one process, {found.cores} core{'s' if found.cores != 1 else ''}; for more, relayload run --processes N"


def _spread(spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return "–", "–", "–"
    return format_duration(spread.p50_s), format_duration(spread.p99_s), format_duration(spread.max_s)


def _ceiling(ceiling: Ceiling, what: str) -> str:
    limits = {
        "generator": "a run with more would be INVALID, or could not tell its TTFT",
        "fake relay": "the fake relay gave way first: the generator can do more",
        "search": "no more were tried",
    }
    return f"{ceiling.highest:,} {what}; {limits[ceiling.limited_by]}"


def _doubts(found: Calibration) -> Iterator[str]:
    for what, trial in (
        (f"{found.rate_per_s:,} plain requests/s", found.plain),
        (f"{found.streams:,} streams", found.streamed),
    ):
        yield from (f"NOT SUSTAINED at {what}: {reason}" for reason in _reasons(trial))


def _reasons(trial: Trial) -> Iterator[str]:
    yield from trial.reasons
    if trial.failed:
        yield f"{trial.failed:,} of {trial.requests:,} requests failed"
