"""The page of a recording: `report.html`, which people look at and pass on."""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from relayload import files
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.charts import Charts
from relayload.recording.directory import RUN, SUMMARY, VERDICT, RecordsFile, records_files
from relayload.recording.folded import Folded
from relayload.recording.page_seal import is_sealed, sealed
from relayload.recording.recording import Recording
from relayload.report.html.page import RunPage, render_page
from relayload.report.html.shell import opening

NAME = "report.html"
_PROFILE = "profile.yaml"
_MOST_BYTES, _MOST_PROFILE_BYTES = 64 << 20, 4 << 20


def page_of(recording: Recording, summary: Summary, verdict: Verdict, folded: Folded | None = None) -> str:
    """Return the page of a recording with this summary and verdict.

    The series of its charts come from the records, which are folded unless they are `folded` already; where there are
    none, the page says so. Raises AuthorError if they can't be read.
    """
    if folded is None and recording.has_records:
        folded = recording.fold()
    if folded is None:
        return _page(recording, summary, verdict, None, ())
    return _page(recording, summary, verdict, folded.charts(summary), folded.files)


def write_page(recording: Recording, summary: Summary, verdict: Verdict, charts: Charts, folded: Folded) -> None:
    """Write the page into the directory of the recording. Raises OSError if it can't be written."""
    page = _page(recording, summary, verdict, charts, folded.files)
    files.replace(recording.directory / NAME, page.encode())


def kept_page(recording: Recording) -> str | None:
    """Return the page in the directory if it is what `page_of` would return of the results that are written there.

    None if there is no such page: whatever it was made of has changed, or relayload has. A recording may be somebody
    else's, so that the page has to begin with our own policy, under which no other script runs.
    """
    directory = recording.directory
    try:
        page = files.content(directory / NAME, _MOST_BYTES).decode()
        made_of = _made_of(directory, kept_profile(directory), tuple(map(RecordsFile.of, records_files(directory))))
    except (OSError, UnicodeDecodeError):
        return None
    return page if page.startswith(opening()) and is_sealed(page, made_of) else None


def link_to_page(directory: Path, beside: Path) -> str | None:
    """Return the relative address of the page in a directory from the folder `beside`; None where there is no page."""
    page = directory / NAME
    return quote(Path(os.path.relpath(page, beside)).as_posix()) if page.is_file() else None


def kept_profile(directory: Path) -> str | None:
    """Return the effective profile beside the records; None where it is missing or can't be read."""
    try:
        return files.content(directory / _PROFILE, _MOST_PROFILE_BYTES).decode(errors="replace")
    except OSError:
        return None


def _page(
    recording: Recording, summary: Summary, verdict: Verdict, charts: Charts | None, records: tuple[RecordsFile, ...]
) -> str:
    """Return a page, sealed if its results are those that are written."""
    profile = kept_profile(recording.directory)
    page = render_page(RunPage(summary, verdict, recording.run, charts, profile))
    with suppress(OSError):
        made_of = _made_of(recording.directory, profile, records)
        if recording.holds(summary, verdict):
            return sealed(page, made_of)
    return page


def _made_of(directory: Path, profile: str | None, records: tuple[RecordsFile, ...]) -> list[bytes]:
    """Return all that a page is made of. Raises OSError if results are not written, or can't be read."""
    results = [files.content(directory / name, _MOST_BYTES) for name in (RUN, SUMMARY, VERDICT)]
    return [*results, repr(profile).encode(), repr(records).encode()]
