"""`relayload merge`: make one recording of several."""

from functools import partial
from pathlib import Path

import click

from relayload.verbs.arguments import author_errors_exit, keep_page, print_table

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
    from relayload.recording.run_page import NAME, page_of
    from relayload.recording.sets import results
    from relayload.report.text import render_summary

    recording = merge(run_dirs, out, Compression(_SUFFIXES[compress]))
    folded = recording.fold()
    summary, verdict = results(recording, folded)
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    print_table(partial(render_summary, summary, recording.run, verdict))
    keep_page(out / NAME, page_of(recording, summary, verdict, folded))
    click.echo(f"recording: {out}", err=True)
