"""`relayload noise`: how much runs of one system differ, and so which changes `compare` could prove."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.verbs.arguments import JSON, author_errors_exit, print_value, write_text
from relayload.verbs.carrying_out import carry_out, in_turn
from relayload.verbs.ci_options import Outputs
from relayload.verbs.debug_options import DebugOptions, with_debug_options
from relayload.verbs.profile_source import ProfileSource, profile_or_url
from relayload.verbs.sorted_runs import SortedRuns

if TYPE_CHECKING:
    from relayload.core.comparison.noise import Noise
    from relayload.recording import Recording


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the runs; a new one under runs/.")
@click.option("--processes", default=1, type=click.IntRange(1), help="Load-generating processes.")
@click.option("--repeat", default=6, type=click.IntRange(3), help="How many runs to make; 6 unless told otherwise.")
@click.option("--measure", "wanted", multiple=True, help="Tell this alone, such as latency.p95. May be repeated.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a table too.")
@JSON
@with_debug_options
@profile_or_url
@author_errors_exit
def command(
    source: ProfileSource,
    debug: DebugOptions,
    out: Path | None,
    processes: int,
    repeat: int,
    wanted: tuple[str, ...],
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Run PROFILE several times without changing anything, and tell the smallest change that compare could prove.

    A directory of recordings instead of PROFILE, as `run --repeat 6` makes, is told without new runs. The runs may be
    the base of a comparison. Their objectives play no part here.
    """
    from relayload.recording.sets import holds_recordings, is_recording, recordings
    from relayload.report.noise import render_noise, render_noise_markdown

    if is_recording(source.file):
        raise AuthorError([Fault("is one recording: name a directory of three or more", file=str(source.file))])
    if holds_recordings(source.file):
        found, code = recordings([source.file]), int(ExitCode.PASS)
    else:
        code, found = _carried_out(source, debug, out, processes, repeat)
    told = noise_of(found, wanted)
    print_value(told, as_json, render_noise)
    if markdown is not None:
        write_text(markdown, render_noise_markdown(told))
    sys.exit(code or (ExitCode.PASS if told.measures else ExitCode.UNPROVEN))


def _carried_out(
    source: ProfileSource, debug: DebugOptions, out: Path | None, processes: int, repeat: int
) -> "tuple[int, list[Recording]]":
    """Make the runs; return the exit code of one that could not be carried out, else 0, and their recordings."""
    from relayload.core.comparison.repeats import VERDICTS
    from relayload.locust_plugin.launch import Launch, check_unused
    from relayload.profile.plan import check_rows
    from relayload.recording import check_vacant, new_run_dir

    loaded = source.load()
    check_rows(loaded)
    parent = out or new_run_dir(loaded.name)
    run_dirs = [parent / f"run-{number}" for number in range(1, repeat + 1)]
    for run_dir in run_dirs:
        check_vacant(run_dir)
        check_unused(run_dir)
    launches = [Launch(*source.written_to(run_dir), run_dir, processes, debug.environ(run_dir)) for run_dir in run_dirs]
    debug.begin()
    code, found = in_turn(partial(carry_out, loaded.name, debug), launches, Outputs(), as_json=True)
    return (0 if code in VERDICTS else code), found


def noise_of(found: "Sequence[Recording]", wanted: Sequence[str] = (), runs_a_side: Sequence[int] = ()) -> "Noise":
    """Return how much these runs differ, with so many runs a side, or else those that are told by default."""
    from relayload.core.comparison.compare import Side
    from relayload.core.comparison.noise import FEWEST, RUNS_A_SIDE, noise

    runs = SortedRuns(Side.BASE, found, wanted)
    few = [f"{len(runs.runs)} runs tell nothing of how much they differ: {FEWEST} are the fewest"]
    warnings = [*runs.warnings, *(few if len(runs.runs) < FEWEST else [])]
    return noise(runs.runs, runs_a_side or RUNS_A_SIDE, runs.left_out, warnings)
