"""The page of a set of runs: `runs.html`."""

from collections.abc import Sequence
from pathlib import Path

from relayload.core.comparison.repeats import Repeats
from relayload.recording.run_page import link_to_page
from relayload.report.html.repeats_page import RepeatsPage, render_repeats_page

NAME = "runs.html"


def page_of(repeats: Repeats, beside: Path, warnings: Sequence[str] = ()) -> str:
    """Return the page of these runs, with links to theirs from the folder `beside`."""
    pages = {run.run_dir: link_to_page(Path(run.run_dir), beside) for run in repeats.runs}
    links = {run_dir: link for run_dir, link in pages.items() if link is not None}
    return render_repeats_page(RepeatsPage(repeats, links, warnings))
