"""`relayload gate`: judge a recording again, and tell it to whoever asks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.verbs.arguments import JSON, RUN_DIR, author_errors_exit, print_value

if TYPE_CHECKING:
    from relayload.core.verdict.gate import Verdict
    from relayload.recording import Recording

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@RUN_DIR
@click.option("--junit", type=_FILE, metavar="FILE", help="Write JUnit XML: a test case for each objective.")
@click.option("--markdown", type=_FILE, metavar="FILE", help="Write a page of Markdown.")
@click.option("--gitlab", type=_FILE, metavar="FILE", help="Write GitLab's metrics report (OpenMetrics text).")
@click.option(
    "--github/--no-github",
    default=None,
    help="Annotate, and add to the step summary, of GitHub Actions; where GITHUB_ACTIONS is set that is the default.",
)
@JSON
@author_errors_exit
def command(
    run_dir: Path, junit: Path | None, markdown: Path | None, gitlab: Path | None, github: bool | None, as_json: bool
) -> None:
    """Judge a recording again by its objectives, and exit with the verdict: 4 if it has none."""
    from relayload.core.verdict.gate import held
    from relayload.recording import Recording
    from relayload.report.text import render_remarks, render_verdict
    from relayload.verbs.telling import Outputs, tell

    recording = Recording.open(run_dir)
    outputs = Outputs(junit, markdown, gitlab, github)
    summary, verdict = recording.fold().results(tables=outputs.show_tables)
    verdict = held(verdict)
    _keep(recording, verdict)
    print_value(verdict, as_json, render_verdict)
    if not as_json:
        click.echo(render_remarks(summary, verdict), nl=False)
    tell(outputs, summary, verdict)
    sys.exit(verdict.exit_code)


def _keep(recording: "Recording", verdict: "Verdict") -> None:
    """In the recording, unless that may only be read: what comes of it is the same."""
    from relayload.core.errors import AuthorError

    try:
        recording.write_verdict(verdict)
    except AuthorError as error:
        click.echo(str(error), err=True)
