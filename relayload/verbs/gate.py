"""`relayload gate`: judge a recording again and report the verdict."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.core.errors import AuthorError
from relayload.verbs.arguments import HTML, JSON, RUN_DIR, keep_page, print_value, write_page
from relayload.verbs.ci_options import Outputs, with_outputs

if TYPE_CHECKING:
    from relayload.core.model.verdict import Verdict
    from relayload.recording import Recording
    from relayload.recording.folded import Folded


@click.command()
@RUN_DIR
@click.option("--rejudge", is_flag=True, help="Judge the records alone, also of a run that an objective ended early.")
@HTML
@JSON
@with_outputs
def command(run_dir: Path, rejudge: bool, html: Path | None, outputs: Outputs, as_json: bool) -> None:
    """Judge a recording again by its objectives, and exit with the verdict: 4 if it has none.

    A verdict that differs from the recorded one replaces it, also in report.html.
    """
    from relayload.core.objectives.verdict import held
    from relayload.recording import Recording
    from relayload.report.screen import Screen
    from relayload.report.text import render_remarks, render_verdict
    from relayload.verbs.ci_outputs import write_outputs

    recording = Recording.open(run_dir)
    folded = recording.fold()
    summary, verdict = folded.results(tables=outputs.show_tables, rejudge=rejudge)
    verdict = held(verdict)
    changed = _keep(recording, verdict)

    def render(verdict: "Verdict", screen: Screen) -> str:
        return render_verdict(verdict, screen) + render_remarks(summary, verdict, screen)

    print_value(verdict, as_json, render)
    write_outputs(outputs, summary, verdict)
    _write_pages(recording, folded, verdict, html, renew=changed)
    sys.exit(verdict.exit_code)


def _keep(recording: "Recording", verdict: "Verdict") -> bool:
    """Store the verdict in the recording, unless that is read-only, which does not change the result.

    Return whether it replaced another one.
    """
    try:
        return recording.write_verdict(verdict)
    except AuthorError as error:
        click.echo(str(error), err=True)
        return False


def _write_pages(
    recording: "Recording", folded: "Folded", verdict: "Verdict", html: Path | None, *, renew: bool
) -> None:
    """Write the page of the verdict to a file and, if `renew` is set, over the one that shows the former verdict."""
    from relayload.recording.run_page import NAME, page_of

    own = recording.directory / NAME
    renew = renew and own.is_file()
    if html is None and not renew:
        return
    page = page_of(recording, folded.summary(), verdict, folded)
    if renew:
        keep_page(own, page)
    if html is not None:
        write_page(html, page)
