"""`relayload gate`: judge a recording again."""

import sys
from pathlib import Path

import click

from relayload.verbs.arguments import JSON, RUN_DIR, author_errors_exit, print_value


@click.command()
@RUN_DIR
@JSON
@author_errors_exit
def command(run_dir: Path, as_json: bool) -> None:
    """Judge a recording again by its objectives, and exit with the verdict."""
    from relayload.recording import Recording
    from relayload.report.text import render_verdict

    recording = Recording.open(run_dir)
    verdict = recording.judge()
    recording.write_verdict(verdict)
    print_value(verdict, as_json, render_verdict)
    sys.exit(verdict.exit_code)
