"""The page of a recording: `report.html`, which people look at and pass on."""

import os
from pathlib import Path
from urllib.parse import quote

from relayload import files
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.charts import Charts
from relayload.recording.recording import Folded, Recording, replace_file
from relayload.report.html.page import RunPage, render_page

NAME = "report.html"
_PROFILE = "profile.yaml"
_MOST_BYTES = 4 << 20


def page_of(recording: Recording, summary: Summary, verdict: Verdict, folded: Folded | None = None) -> str:
    """Return the page of a recording with this summary and verdict.

    The series of its charts come from the records, which are folded unless they are `folded` already; where there are
    none, the page says so. Raises AuthorError if they can't be read.
    """
    if folded is None and recording.has_records:
        folded = recording.fold()
    charts = None if folded is None else folded.charts(summary)
    return render_page(RunPage(summary, verdict, recording.run, charts, kept_profile(recording.directory)))


def write_page(recording: Recording, summary: Summary, verdict: Verdict, charts: Charts) -> None:
    """Write the page into the directory of the recording. Raises OSError if it can't be written."""
    page = render_page(RunPage(summary, verdict, recording.run, charts, kept_profile(recording.directory)))
    replace_file(recording.directory / NAME, page.encode())


def link_to_page(directory: Path, beside: Path) -> str | None:
    """Return the relative address of the page in a directory from the folder `beside`; None where there is no page."""
    page = directory / NAME
    return quote(Path(os.path.relpath(page, beside)).as_posix()) if page.is_file() else None


def kept_profile(directory: Path) -> str | None:
    """Return the effective profile beside the records; None where it is missing or can't be read."""
    try:
        return files.content(directory / _PROFILE, _MOST_BYTES).decode(errors="replace")
    except OSError:
        return None
