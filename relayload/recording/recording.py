"""One recording: reads and writes its directory, and computes its summary and verdict."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from relayload import files
from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.fold_of_snapshots import FoldOfSnapshots
from relayload.core.metrics.summary import SCHEMA_VERSION as SUMMARY_VERSION
from relayload.core.metrics.summary import Summary
from relayload.core.metrics.tasks import Task
from relayload.core.model.kept_records import EVERY_RECORD, KeptRecords
from relayload.core.model.objective_options import ObjectiveSpec
from relayload.core.model.record import Line
from relayload.core.model.run import RunInfo
from relayload.core.model.snapshot import Snapshot
from relayload.core.model.verdict import SCHEMA_VERSION as VERDICT_VERSION
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.grammar import objective_of
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.scenario_tags import on_scenarios
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.recording import progress
from relayload.recording.cleaning import check_numbers, cleaned
from relayload.recording.directory import (
    RUN,
    SUMMARY,
    TAKEN,
    VERDICT,
    RecordsFile,
    check_vacant,
    fault_of,
    records_files,
)
from relayload.recording.folded import Folded
from relayload.recording.growing_file import PLAIN, Storage
from relayload.recording.kept_reference import kept_reference
from relayload.recording.lines import NO_RECORD, Damage, Part, RecordWriter, expected_bytes, parts, read
from relayload.recording.processes import runner, usable_processes
from relayload.recording.reserve import reserve
from relayload.recording.snapshots import NAME as SNAPSHOTS
from relayload.recording.snapshots import Counted, read_snapshots, snapshots_file

_MOST_BYTES = 64 << 20
"""The largest run.json, summary.json or verdict.json that is read."""
_UNKNOWN_S = 3600.0
_MOST_WINDOWS = 1_000_000
_HIGHEST_PRICE = 10**9
_MOST_KINDS = 50_000
_REBUILD_HINT = "; relayload report --rebuild writes it anew"
OLD = "was summarized by an earlier version, whose rates hold requests that ended after the load"
_LARGE_BYTES = 32 << 20
"""The size from which forking pays off."""


class _Versioned(Struct):
    """A summary or a verdict of any version."""

    schema_version: int


class Recording:
    """The recording of one run."""

    def __init__(self, directory: Path, run: RunInfo) -> None:
        self.directory = directory
        self.run = run

    @classmethod
    def create(cls, directory: Path, run: RunInfo) -> "Recording":
        """Begin a recording in a vacant directory. Raises AuthorError, also if it can't be written.

        Of several runs at once one gets the directory.
        """
        check_vacant(directory)
        _check_readable(run)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / RUN).touch(exist_ok=False)
        except FileExistsError:
            raise fault_of(directory, TAKEN) from None
        except OSError as error:
            raise fault_of(directory, f"can't be written to: {error.strerror}") from None
        recording = cls(directory, run)
        try:
            recording._save(RUN, run)
        except AuthorError:
            recording.remove()
            raise
        return recording

    def reserve(self) -> None:
        """Make sure that its end can be recorded, too. Raises AuthorError if the disk has no room for that."""
        try:
            reserve(self.directory)
        except OSError as error:
            self.remove()
            raise fault_of(self.directory, f"can't be written to: {error.strerror}") from None

    @classmethod
    def open(cls, directory: Path) -> "Recording":
        """Open an existing recording. Raises AuthorError if the directory is not one."""
        if not directory.is_dir():
            raise fault_of(directory, _no_directory(directory))
        if not (directory / RUN).is_file():
            raise fault_of(directory, f"is not a recording: it has no {RUN}{_inside(directory)}")
        run = _load(directory / RUN, RunInfo)
        if any(not 0 <= price <= _HIGHEST_PRICE for price in _prices(run)):
            raise fault_of(directory / RUN, "prices: expected dollars per million tokens")
        try:
            datetime.fromisoformat(run.started_at)
        except ValueError:
            raise fault_of(directory / RUN, f"started_at: expected an instant, got '{run.started_at[:60]}'") from None
        return cls(directory, _as_last_told(directory, run) if run.ended_by is None else run)

    def writer(self, worker: int, kept: KeptRecords = EVERY_RECORD, storage: Storage = PLAIN) -> RecordWriter:
        return RecordWriter(self.records_file(worker), kept, storage)

    def records_file(self, worker: int) -> Path:
        """Return the file in which a worker's records are written, if they are neither compressed nor in parts."""
        return self.directory / f"records-{worker}.jsonl"

    def remove(self) -> None:
        """Remove the files of a recording and its directory, unless that holds others."""
        snapshots = snapshots_file(self.directory)
        for path in (self.directory / RUN, *records_files(self.directory), *([snapshots] if snapshots else [])):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.directory.rmdir()

    def update(self, **facts: Any) -> None:
        """Record facts of the run, as fields of `RunInfo`.

        At its end these are ended_at_s, ended_by, offered, worker_reports and so on.
        """
        self.run = structs.replace(self.run, **facts)
        self._save(RUN, self.run)

    def lines(self) -> Iterator[Line]:
        """Yield every readable line of all workers, file by file."""
        for path in records_files(self.directory):
            yield from chain.from_iterable(read(Part(path, 0, path.stat().st_size), []))

    def fold(self, objectives: Iterable[Objective] | None = None) -> Folded:
        """Fold the lines of all workers, and report unreadable ones.

        A large recording is divided among processes if possible, with the same result. Objectives default to those of
        the run. Raises AuthorError if run.json has an invalid one.
        """
        chosen = self.objectives() if objectives is None else list(objectives)
        _check_windows(chosen, _load_s(self.run))
        if self.run.from_snapshots:
            return self._fold_of_snapshots(chosen)
        paths = self._records()
        found = tuple(map(RecordsFile.of, paths))
        large = sum(map(expected_bytes, paths)) > _LARGE_BYTES
        processes = usable_processes() if large else 1
        run_all = runner(processes)
        empty = partial(_counting, chosen, self.run)
        fold, damages = empty(), []
        shares = parts(paths, processes)
        for part_fold, part_damages in run_all([Task(partial(_fold_parts, share, empty)) for share in shares]):
            fold.merge(part_fold)
            _check_kinds(self.directory, fold)
            damages += part_damages
        return Folded(self.run, fold, tuple(damages), tuple(chosen), run_all, found, kept_reference(self.directory))

    def _fold_of_snapshots(self, chosen: list[Objective]) -> Folded:
        """Fold what the processes told. Raises AuthorError for an objective that they did not count."""
        path = snapshots_file(self.directory)
        if path is None:
            raise fault_of(self.directory, f"has no {SNAPSHOTS}, from which its numbers come")
        damages: list[Damage] = []
        try:
            merged = self._merged(read_snapshots(path, damages))
            fold = None if merged is None else FoldOfSnapshots(merged.told, self.run, merged.counts)
        except OSError as error:
            raise fault_of(path, f"can't be read: {error.strerror}") from None
        except (ValueError, LookupError) as error:
            raise fault_of(path, f"tells of counts that no worker tells: {error}") from None
        if merged is None or fold is None:
            raise fault_of(path, "does not say first which objectives were counted")
        for objective in chosen:
            if merged.counts.lacks(objective):
                raise _uncounted(path, objective, self.run)
        _check_kinds(self.directory, fold)
        for records in self._records():
            for lines in read(Part(records, 0, records.stat().st_size), []):
                fold.keep(lines)
        return Folded(self.run, fold, tuple(damages), tuple(chosen), reference=kept_reference(self.directory))

    def _merged(self, lines: Iterator[Counted | Snapshot]) -> MergedSnapshot | None:
        """Merge snapshots as the master did; None if the first line does not say what was counted."""
        first = next(lines, None)
        if not isinstance(first, Counted):
            return None
        merged = MergedSnapshot([_parsed(asked, self.run) for asked in first.objectives], self.run)
        for line in lines:
            if isinstance(line, Snapshot):
                merged.replace(line)
        return merged

    def objectives(self) -> list[Objective]:
        """Return the objectives of the run. Raises AuthorError if run.json has an invalid one."""
        return [_parsed(asked, self.run) for asked in self.run.objectives]

    @property
    def has_records(self) -> bool:
        """Whether the files that the numbers come from exist, which may have been deleted after a run."""
        if self.run.from_snapshots:
            return snapshots_file(self.directory) is not None
        return bool(records_files(self.directory))

    def _records(self) -> list[Path]:
        """Return the files of the workers. Raises AuthorError if one is not a regular file, or can't be read."""
        found = records_files(self.directory)
        for path in found:
            try:
                files.check(path)
            except OSError as error:
                raise fault_of(path, f"can't be read: {error.strerror}") from None
        return found

    def summarize(self) -> Summary:
        """Compute the summary from the records."""
        return self.fold(()).summary()

    def judge(self, objectives: Iterable[Objective] | None = None, *, rejudge: bool = False) -> Verdict:
        """Compute the verdict from the records. Objectives default to those of the run.

        A run that an objective ended early fails, unless `rejudge` is set, which judges only by the records.
        """
        return self.fold(objectives).results(rejudge=rejudge)[1]

    def rebuild(self) -> Summary:
        """Fold the records again and rewrite the summary. Raises AuthorError if it can't be written."""
        summary = self.summarize()
        self.write_summary(summary)
        return summary

    def summary(self, folded: "Folded | None" = None) -> Summary:
        """Return the written summary, or else compute it, also instead of one of an earlier version.

        `folded` are the records, for callers that have folded them already. Raises AuthorError if it can't be read, or
        is of an earlier version and the records are gone.
        """
        path = self.directory / SUMMARY
        if path.exists() and not self.has_old_summary:
            return _load(path, Summary, _REBUILD_HINT)
        if path.exists():
            self.check_records()
        return self.summarize() if folded is None else folded.summary()

    @property
    def has_old_summary(self) -> bool:
        """Whether the written summary is of an earlier version, which counted otherwise."""
        return self._is_old(SUMMARY, SUMMARY_VERSION, _REBUILD_HINT)

    @property
    def has_old_verdict(self) -> bool:
        """Whether the written verdict is of an earlier version, which counted otherwise."""
        return self._is_old(VERDICT, VERDICT_VERSION)

    def check_records(self) -> None:
        """Raise AuthorError if there are no records from which to count anew what an earlier version wrote."""
        if not self.has_records:
            raise fault_of(self.directory, f"{OLD}, and the records to count them anew are gone")

    def _is_old(self, name: str, newest: int, remedy: str = "") -> bool:
        path = self.directory / name
        return path.exists() and _load(path, _Versioned, remedy).schema_version < newest

    def verdict(self) -> Verdict | None:
        """Return the written verdict, or None. Raises AuthorError if it can't be read."""
        path = self.directory / VERDICT
        return _load(path, Verdict) if path.exists() else None

    def holds(self, summary: Summary, verdict: Verdict) -> bool:
        """Return whether the files of the recording say what is known of it here, and these results."""
        written = {RUN: self.run, SUMMARY: summary, VERDICT: verdict}
        try:
            return all(_load(self.directory / name, type(content)) == content for name, content in written.items())
        except AuthorError:
            return False

    def write_summary(self, summary: Summary) -> None:
        """Write the summary. Raises AuthorError if it can't be written."""
        self._save(SUMMARY, summary)

    def write_verdict(self, verdict: Verdict) -> bool:
        """Write the verdict; return whether it is a new one. Raises AuthorError if it can't be written."""
        return self._save(VERDICT, verdict)

    def _save(self, name: str, content: Struct) -> bool:
        """Write a file atomically, first under another name; return whether its content is new."""
        data, path = msgspec.json.format(msgspec.json.encode(content)) + b"\n", self.directory / name
        before = None
        with suppress(OSError):
            before = files.content(path, _MOST_BYTES)
        try:
            files.replace(path, data)
        except OSError as error:
            raise fault_of(path, f"can't be written: {error.strerror}") from None
        return data != before


def _counting(objectives: list[Objective], run: RunInfo) -> Fold:
    return Fold(_load_s(run), ObjectiveCounts(objectives, run), cells=Cells.of(run))


def _fold_parts(parts: list[Part], empty: Callable[[], Fold]) -> tuple[Fold, list[Damage]]:
    fold = empty()
    damages: list[Damage] = []
    for part in parts:
        try:
            for lines in read(part, damages):
                fold.extend(lines)
                _check_kinds(part.path.parent, fold)
        except OSError as error:
            raise fault_of(part.path, f"can't be read: {error.strerror}") from None
    return fold, damages


def _as_last_told(directory: Path, run: RunInfo) -> RunInfo:
    """Return a run that did not record its end, with what its master last knew of it: what is missing then was lost."""
    last = progress.read(directory)
    if last is None:
        return run
    return structs.replace(run, offered=None if run.closed else last.offered, worker_reports=last.told)


def _prices(run: RunInfo) -> Iterator[Decimal]:
    """Yield every price of the run; -1, which is invalid, for one that is not finite."""
    for prices in (run.prices, *(target.prices for target in run.targets.values())):
        for price in prices.values():
            for amount in (price.input, price.output, price.cached_input, price.reasoning):
                if amount is not None:
                    yield amount if amount.is_finite() else Decimal(-1)


def _load_s(run: RunInfo) -> float:
    """Return how long the load lasted or, if the run was killed, should have lasted."""
    if run.ended_at_s is not None:
        return run.ended_at_s
    planned_s = max((span.ends_at_s for span in run.spans(math.inf)), default=0.0)
    return planned_s if math.isfinite(planned_s) else _UNKNOWN_S


def _no_directory(path: Path) -> str:
    """Explain a path that is no directory: often it is a profile, or a file of a recording."""
    if not path.exists():
        return "there is no such directory"
    if (path.parent / RUN).is_file():
        return f"is a file of a recording: name its directory, {path.parent}"
    advice = "is a file: expected the directory of a recording, as 'relayload run' names it last"
    return f"{advice}; to run this profile, write relayload run {path}" if path.suffix in _OF_PROFILES else advice


def _inside(directory: Path) -> str:
    """Return a hint at recordings inside the directory, as `run --repeat` makes them; empty without any."""
    found = sorted(str(path.parent) for path in directory.glob(f"*/{RUN}"))
    return f"; name one of those in it, such as {found[0]}" if found else ""


_OF_PROFILES = (".yaml", ".yml")
_Content = TypeVar("_Content", bound=Struct)


def _load(path: Path, kind: type[_Content], remedy: str = "") -> _Content:
    try:
        data = cleaned(files.content(path, _MOST_BYTES))
        check_numbers(data)
        return msgspec.json.decode(data, type=kind)
    except OSError as error:
        raise fault_of(path, f"can't be read: {error.strerror}") from None
    except RecursionError:
        raise fault_of(path, f"is not a {path.name} of this version: it is nested too deeply{remedy}") from None
    except (*NO_RECORD, ValueError, AssertionError) as error:  # sums that do not hold are asserted
        raise fault_of(path, f"is not a {path.name} of this version: {error}{remedy}") from None


def _check_readable(run: RunInfo) -> None:
    """Raise AuthorError for a run whose run.json could not be read again."""
    try:
        msgspec.json.decode(msgspec.json.encode(run), type=RunInfo)
    except msgspec.ValidationError as error:
        raise AuthorError([Fault(f"the run can't be recorded: {error}")]) from None


def _check_kinds(directory: Path, fold: Fold) -> None:
    """Raise AuthorError for more kinds of requests than fit into memory."""
    if len(fold.by_tags) > _MOST_KINDS:
        kinds = "more kinds of requests, by scenario, model, stage, target, status and error, than can be told apart"
        raise fault_of(directory, f"holds {kinds}: {_MOST_KINDS:,}")


def _check_windows(objectives: Iterable[Objective], load_s: float) -> None:
    """Raise AuthorError for an objective with too many windows."""
    for objective in objectives:
        over_s = objective.options.over_s
        if over_s is not None and load_s / over_s > _MOST_WINDOWS:
            fault = f"'{objective.text}' has more than {_MOST_WINDOWS:,} windows of {over_s:g} s"
            raise AuthorError([Fault(fault, path="objectives", file=RUN)])


def _uncounted(path: Path, objective: Objective, run: RunInfo) -> AuthorError:
    why = (
        f"'{objective.text}' can't be judged: the run kept records: {run.records}, and counted its own objectives alone"
    )
    return fault_of(path, why)


def _parsed(asked: str | ObjectiveSpec, run: RunInfo) -> Objective:
    try:
        return on_scenarios(objective_of(asked), run.tags)
    except ValueError as error:
        raise AuthorError([Fault(str(error), path="objectives", file=RUN)]) from None
