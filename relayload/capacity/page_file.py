"""The page of a search: `capacity.html`, beside `capacity.json`."""

from pathlib import Path

from relayload.core.capacity.answer import Capacity
from relayload.recording.run_page import kept_profile, link_to_page
from relayload.report.html.capacity_page import CapacityPage, render_capacity_page

NAME = "capacity.html"


def page_of(capacity: Capacity, directory: Path, beside: Path) -> str:
    """Return the page of the search in a directory, with links to its trials from the folder `beside`."""
    trials = {
        trial.number: directory / trial.recording
        for trial in capacity.trials
        if trial.recording and Path(trial.recording).name == trial.recording
    }
    links = {number: link for number, path in trials.items() if (link := link_to_page(path, beside)) is not None}
    profile = next((found for path in trials.values() if (found := kept_profile(path)) is not None), None)
    return render_capacity_page(CapacityPage(capacity, links, profile))
