"""`relayload merge`: make one recording of several."""

from functools import partial
from pathlib import Path

import click

from relayload.verbs.arguments import author_errors_exit, print_table

_SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Directory of the new recording.")
@click.option(
    "--compress", default="none", show_default=True, type=click.Choice(list(_SUFFIXES)), help="How to keep the records."
)
@author_errors_exit
def command(run_dirs: tuple[Path, ...], out: Path, compress: str) -> None:
    """Make one recording of those of several workers or hosts, or a compressed one of one alone.

    The directories are of one run, or of runs of one profile that overlapped and began within a minute. What does not
    belong together is refused.
    """
    from relayload.recording.compression import Compression
    from relayload.recording.merge import merge
    from relayload.recording.sets import results
    from relayload.report.text import render_summary

    recording = merge(run_dirs, out, Compression(_SUFFIXES[compress]))
    summary, verdict = results(recording)
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    print_table(partial(render_summary, summary, recording.run, verdict))
    click.echo(f"recording: {out}", err=True)
