"""Merging of several runs into one: hosts that ran the same profile at the same time, without knowing of one another.

Their workers and arrivals are renumbered consecutively, so that all numbers are distinct.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from math import inf
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from relayload.core.model.audited import Audited
from relayload.core.model.record import Drop, Line, Record
from relayload.core.model.run import RunInfo

T = TypeVar("T")

_JOINT = "+"
"""The separator between the names of merged runs."""
_APART_S = 60.0
"""Starts that are further apart than this were not of one load."""
_SAME = ("load_kind", "stages", "base_url", "targets", "paired", "objectives", "thresholds", "prices")


@dataclass(frozen=True, slots=True)
class Shift:
    """The offsets that are added to the numbers of a run's workers and arrivals."""

    worker: int = 0
    index: int = 0

    def __call__(self, line: Line) -> Line:
        """Return the line as it reads in the merged run."""
        worker = line.worker + self.worker
        if isinstance(line, Record | Drop | Audited):
            return replace(line, worker=worker, index=line.index + self.index)
        return replace(line, worker=worker)


def differences(runs: Sequence[RunInfo]) -> list[tuple[int, str]]:
    """Return why runs do not belong to those before: the position of each that does not, and the reason."""
    found = [(position, why) for position, run in enumerate(runs) if position for why in _reasons(runs[0], run)]
    for position, run in enumerate(runs):
        for before in runs[:position]:
            found += [(position, f"holds run {name}, as one before does") for name in _shared(before, run)]
        found += [(position, why) for why in _apart(run, runs[:position])]
    return found


def merged(runs: Sequence[RunInfo], shifts: Sequence[Shift], workers: int) -> RunInfo:
    """Return the facts of several runs that belong together, as those of one run with so many workers."""
    first = min(runs, key=lambda run: _started_at(run))
    worker_reports = tuple(
        replace(info, worker=info.worker + shift.worker)
        for run, shift in zip(runs, shifts, strict=True)
        for info in run.worker_reports
    )
    return replace(
        first,
        run_id=_JOINT.join(run.run_id for run in runs),
        uid=_JOINT.join(run.uid for run in runs) if all(run.uid for run in runs) else "",
        workers=workers,
        cautions=tuple(dict.fromkeys(caution for run in runs for caution in run.cautions)),
        ended_at_s=_of_all(runs, lambda run: run.ended_at_s, max),
        ended_by=_of_all(runs, lambda run: run.ended_by, _worst_end),
        crash=_of_any(run.crash for run in runs),
        stopped_by_guardrail=_of_any(run.stopped_by_guardrail for run in runs),
        stopped_by_objective=_of_any(run.stopped_by_objective for run in runs),
        changes=tuple(change for run in runs for change in run.changes),
        offered=_of_all(runs, lambda run: run.offered, sum),
        requests=_of_all(runs, lambda run: run.requests, sum),
        exit_code=None,
        worker_reports=worker_reports,
    )


def _shared(one: RunInfo, other: RunInfo) -> list[str]:
    """Return the runs that are in both, if one is merged; unmerged runs are compared by their identity."""
    known = set(_parts(one))
    names = zip(other.run_id.split(_JOINT), _parts(other), strict=False)
    return [name for name, part in names if part in known] if len(known) > 1 or _JOINT in other.run_id else []


def _parts(run: RunInfo) -> list[str]:
    """Return the identities of the parts of a merged run: the master's stamps, or else their names."""
    return (run.uid or run.run_id).split(_JOINT)


def _apart(run: RunInfo, before: Sequence[RunInfo]) -> Iterator[str]:
    """Yield why a run was not sent side by side with those before."""
    if not before:
        return
    apart_s = abs((_started_at(run) - _started_at(before[0])).total_seconds())
    gap_s = max(_gap_s(other, run) for other in before)
    if apart_s > _APART_S:
        yield f"began {apart_s:,.0f} s away from the first: they were not one load"
    elif gap_s > 0:
        yield f"did not overlap another: {gap_s:,.0f} s lie between them, so they were not one load"


def _gap_s(one: RunInfo, other: RunInfo) -> float:
    """Return the seconds between the end of one run and the start of the other; not above 0 if they overlap.

    A run that was killed has no end, and overlaps whatever begins after it.
    """
    ends_s = [
        _started_at(run).timestamp() + (inf if run.ended_at_s is None else run.ended_at_s) for run in (one, other)
    ]
    return max(_started_at(run).timestamp() for run in (one, other)) - min(ends_s)


def _reasons(first: RunInfo, run: RunInfo) -> Iterator[str]:
    if run.profile.sha256 != first.profile.sha256:
        yield f"is of another profile: '{run.profile.name}' of another content than '{first.profile.name}'"
        return
    ours, its = _portless(first), _portless(run)
    for name in _SAME:
        if getattr(its, name) != getattr(ours, name):
            yield f"differs in its {name}"


def _portless(run: RunInfo) -> RunInfo:
    """Return the run without local ports: a fake relay takes whichever is free."""
    targets = {name: replace(info, base_url=_without_local_port(info.base_url)) for name, info in run.targets.items()}
    return replace(run, base_url=_without_local_port(run.base_url), targets=targets)


def _without_local_port(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # no address at all, which is the same wherever it ran
        return url
    host = parts.hostname or ""
    return parts._replace(netloc=host).geturl() if _is_loopback(host) else url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _started_at(run: RunInfo) -> datetime:
    at = datetime.fromisoformat(run.started_at)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _of_all(runs: Sequence[RunInfo], get: Callable[[RunInfo], T | None], join: Callable[[Sequence[T]], T]) -> T | None:
    """Return the joined values of all runs; None if one has no value."""
    values = [value for run in runs if (value := get(run)) is not None]
    return join(values) if len(values) == len(runs) else None


def _of_any(reasons: Iterable[str | None]) -> str | None:
    """Return the first reason: what ended one run ended the merged run."""
    return next(filter(None, reasons), None)


def _worst_end(ends: Sequence[str]) -> str:
    """Return the first end other than the schedule, if any."""
    return next((end for end in ends if end != "schedule"), ends[0])
