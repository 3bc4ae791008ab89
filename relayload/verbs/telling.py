"""Telling a verdict in the ways that CI systems read."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from relayload.core.results.summary import Summary
from relayload.core.verdict.gate import Verdict
from relayload.report.github import render_annotations
from relayload.report.junit import render_junit
from relayload.report.markdown import MOST_BYTES, render_markdown
from relayload.report.openmetrics import render_openmetrics
from relayload.verbs.arguments import write_text

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
_SMALLEST_PAGE_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to write, and whether to speak to GitHub: None where the environment decides."""

    junit: Path | None = None
    markdown: Path | None = None
    gitlab: Path | None = None
    github: bool | None = None

    @property
    def speak_to_github(self) -> bool:
        return in_github() if self.github is None else self.github

    @property
    def show_tables(self) -> bool:
        """Whether any of them shows more of the summary than its counts."""
        return self.markdown is not None or self.gitlab is not None or self.speak_to_github


def tell(outputs: Outputs, summary: Summary, verdict: Verdict) -> None:
    """Write what was asked for. Raises AuthorError if a file can't be written."""
    for path, render in (
        (outputs.junit, render_junit),
        (outputs.markdown, render_markdown),
        (outputs.gitlab, render_openmetrics),
    ):
        if path is not None:
            write_text(path, render(summary, verdict))
    if outputs.speak_to_github:
        _tell_github(summary, verdict)


def in_github() -> bool:
    """Whether this is a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _tell_github(summary: Summary, verdict: Verdict) -> None:
    """Annotations, and a page in the step summary where there is one.

    GitHub reads annotations from stderr as well, where they do not mix with data.
    """
    click.echo(render_annotations(summary, verdict), err=True, nl=False)
    path = os.environ.get(_STEP_SUMMARY)
    if path:
        _append(Path(path), summary, verdict)


def _append(page: Path, summary: Summary, verdict: Verdict) -> None:
    """What stands there already counts towards the most that GitHub shows. A page that fails is no failed run."""
    try:
        room = MOST_BYTES - (page.stat().st_size if page.exists() else 0)
        with page.open("a", encoding="utf-8") as file:
            file.write(render_markdown(summary, verdict, room) if room > _SMALLEST_PAGE_BYTES else "")
    except OSError as error:
        click.echo(f"{page}: the step summary can't be written: {error.strerror}", err=True)
