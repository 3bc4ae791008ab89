"""Writes a verdict, or the reason why there is none, in the formats that CI systems read."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict
from relayload.report.github import render_annotations, render_annotations_not_run
from relayload.report.junit import render_junit, render_junit_not_run
from relayload.report.markdown import MOST_BYTES, render_markdown, render_markdown_not_run
from relayload.report.not_run import NotRun
from relayload.report.openmetrics import render_openmetrics, render_openmetrics_not_run
from relayload.verbs.arguments import write_text
from relayload.verbs.ci_options import Outputs

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
_WORKSPACE = "GITHUB_WORKSPACE"
_SMALLEST_PAGE_BYTES = 1000
_Page = Callable[[int], str]
"""Renders Markdown of at most that many bytes."""


def write_outputs(outputs: Outputs, summary: Summary, verdict: Verdict) -> None:
    """Write every output that was asked for. Raises AuthorError at the end if a file can't be written."""
    _write(
        (outputs.junit, lambda: render_junit(summary, verdict)),
        (outputs.markdown, lambda: render_markdown(summary, verdict)),
        (outputs.gitlab, lambda: render_openmetrics(summary, verdict)),
    )
    if outputs.wants_github:
        _write_github(
            render_annotations(summary, verdict, in_repository), lambda room: render_markdown(summary, verdict, room)
        )


def write_not_run(outputs: Outputs, not_run: NotRun) -> None:
    """Write the outputs of a run without a verdict, so that CI always has something to show."""
    _write(
        (outputs.junit, lambda: render_junit_not_run(not_run)),
        (outputs.markdown, lambda: render_markdown_not_run(not_run)),
        (outputs.gitlab, lambda: render_openmetrics_not_run(not_run)),
    )
    if outputs.wants_github:
        _write_github(
            render_annotations_not_run(not_run, in_repository), lambda room: render_markdown_not_run(not_run, room)
        )


def in_repository(file: str) -> str | None:
    """Return the path of a file within the repository that GitHub shows; None if it lies elsewhere."""
    workspace = os.environ.get(_WORKSPACE)
    if workspace is None:
        return file
    try:
        return Path(file).resolve().relative_to(Path(workspace).resolve()).as_posix()
    except (ValueError, OSError):
        return None


def _write(*files: tuple[Path | None, Callable[[], str]]) -> None:
    faults = [fault for path, render in files if path is not None for fault in _faults_of(path, render())]
    if faults:
        raise AuthorError(faults)


def _faults_of(path: Path, text: str) -> Iterator[Fault]:
    try:
        write_text(path, text)
    except AuthorError as error:
        yield from error.faults


def _write_github(annotations: str, page: _Page) -> None:
    """Print annotations, and append a page to the step summary if there is one.

    GitHub reads annotations from stderr as well, where they do not mix with data.
    """
    click.echo(annotations, err=True, nl=False)
    path = os.environ.get(_STEP_SUMMARY)
    if path:
        _append(Path(path), page)


def _append(step_summary: Path, page: _Page) -> None:
    """Append a page. Earlier content counts towards GitHub's size limit. An error here does not fail the run."""
    try:
        room = MOST_BYTES - (step_summary.stat().st_size if step_summary.exists() else 0)
        with step_summary.open("a", encoding="utf-8") as file:
            file.write(page(room) if room > _SMALLEST_PAGE_BYTES else "")
    except OSError as error:
        click.echo(f"{step_summary}: the step summary can't be written: {error.strerror}", err=True)
