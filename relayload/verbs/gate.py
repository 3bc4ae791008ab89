"""`relayload gate`: judge a recording again and report the verdict."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.core.errors import AuthorError
from relayload.verbs.arguments import JSON, RUN_DIR, print_value
from relayload.verbs.ci_options import Outputs, with_outputs

if TYPE_CHECKING:
    from relayload.core.model.verdict import Verdict
    from relayload.recording import Recording


@click.command()
@RUN_DIR
@click.option("--rejudge", is_flag=True, help="Judge the records alone, also of a run that an objective ended early.")
@JSON
@with_outputs
def command(run_dir: Path, rejudge: bool, outputs: Outputs, as_json: bool) -> None:
    """Judge a recording again by its objectives, and exit with the verdict: 4 if it has none."""
    from relayload.core.objectives.verdict import held
    from relayload.recording import Recording
    from relayload.report.screen import Screen
    from relayload.report.text import render_remarks, render_verdict
    from relayload.verbs.ci_outputs import write_outputs

    recording = Recording.open(run_dir)
    summary, verdict = recording.fold().results(tables=outputs.show_tables, rejudge=rejudge)
    verdict = held(verdict)
    _keep(recording, verdict)

    def render(verdict: "Verdict", screen: Screen) -> str:
        return render_verdict(verdict, screen) + render_remarks(summary, verdict, screen)

    print_value(verdict, as_json, render)
    write_outputs(outputs, summary, verdict)
    sys.exit(verdict.exit_code)


def _keep(recording: "Recording", verdict: "Verdict") -> None:
    """Store the verdict in the recording, unless that is read-only, which does not change the result."""
    try:
        recording.write_verdict(verdict)
    except AuthorError as error:
        click.echo(str(error), err=True)
