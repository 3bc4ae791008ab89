"""`relayload report`: print what came of a recording, of several, or of a search, and draw its page."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.core.errors import AuthorError, Fault
from relayload.verbs.arguments import HTML, JSON, author_errors_exit, print_table, print_value, write_page

if TYPE_CHECKING:
    from relayload.recording import Recording


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--rebuild", is_flag=True, help="Fold the records again and replace summary.json.")
@HTML
@JSON
@author_errors_exit
def command(run_dirs: tuple[Path, ...], rebuild: bool, html: Path | None, as_json: bool) -> None:
    """Print what was tested, the verdict and the summary of a recording.

    Of several, or of a directory of them as `run --repeat` makes it, print a table of all, the oldest first, and how
    each objective fared over them; of a capacity search, its answer.
    """
    from relayload.recording import Recording
    from relayload.recording.directory import RUN
    from relayload.recording.sets import results
    from relayload.report.text import render_run, render_summary

    run_dir = run_dirs[0]
    if len(run_dirs) > 1:
        _report_set(run_dirs, html, rebuild=rebuild, as_json=as_json)
        return
    if not (run_dir / RUN).is_file() and _report_several(run_dir, html, rebuild=rebuild, as_json=as_json):
        return
    recording = Recording.open(run_dir)
    if as_json and html is None:
        print_value(recording.rebuild() if rebuild else recording.summary(), as_json, render_summary)
        return
    kept = None if html is None or rebuild else _kept_page(recording)
    drawn = html is not None and kept is None and recording.has_records
    folded = recording.fold() if rebuild or drawn else None
    summary, verdict = folded.results() if folded is not None and rebuild else results(recording, folded)
    if rebuild:
        recording.write_summary(summary)
    if html is not None:
        from relayload.recording.run_page import page_of

        write_page(html, kept or page_of(recording, summary, verdict, folded))
    if as_json:
        print_value(summary, as_json, render_summary)
    else:
        print_table(partial(render_run, summary, recording.run, verdict, verdict_first=True))


def _kept_page(recording: "Recording") -> str | None:
    from relayload.recording.run_page import kept_page

    return kept_page(recording)


def _report_several(directory: Path, html: Path | None, *, rebuild: bool, as_json: bool) -> bool:
    """Print what a search or a set of runs came to; return whether the directory holds one."""
    from relayload.capacity.answer_file import FILE
    from relayload.recording.sets import holds_recordings

    if (directory / FILE).is_file():
        _report_capacity(directory, html, rebuild=rebuild, as_json=as_json)
        return True
    if holds_recordings(directory):
        _report_set([directory], html, rebuild=rebuild, as_json=as_json)
        return True
    return False


def _report_capacity(directory: Path, html: Path | None, *, rebuild: bool, as_json: bool) -> None:
    from relayload.capacity.answer_file import read
    from relayload.report.capacity import render_capacity

    if rebuild:
        raise AuthorError([Fault("is for a recording: relayload capacity --resume renews a search", path="--rebuild")])
    capacity = read(directory)
    if html is not None:
        from relayload.capacity.page_file import page_of

        write_page(html, page_of(capacity, directory, html.parent))
    print_value(capacity, as_json, render_capacity)


def _report_set(directories: Sequence[Path], html: Path | None, *, rebuild: bool, as_json: bool) -> None:
    from relayload.core.comparison.repeats import repeats, worst
    from relayload.recording.sets import oldest_first, run_line_of
    from relayload.report.repeats import render_repeats
    from relayload.verbs.readable import readable, recordings_in

    if rebuild:
        one_of = "them" if len(directories) > 1 else f"those in {directories[0]}"
        raise AuthorError([Fault(f"is for one recording: name one of {one_of}", path="--rebuild")])
    opened = oldest_first(recordings_in(directories))
    lines = readable(opened, run_line_of, lambda recording: recording.directory)
    found = repeats(lines, worst(line.verdict.exit_code for line in lines))
    mixed = len({recording.run.profile.sha256 for recording in opened}) > 1
    warnings = ["the runs are of different profiles"] if mixed else []
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if html is not None:
        from relayload.recording.set_page import page_of

        write_page(html, page_of(found, html.parent, warnings))
    print_value(found, as_json, render_repeats)
