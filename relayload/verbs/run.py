"""`relayload run`: send what a profile describes, record it and judge it, once or several times."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.verbs.arguments import JSON, keep_page, print_failure, print_value
from relayload.verbs.carrying_out import carry_out, faults_of, in_turn, message_of, print_results
from relayload.verbs.ci_options import Outputs, with_outputs
from relayload.verbs.debug_options import DebugOptions, with_debug_options
from relayload.verbs.metrics_options import with_metrics_options
from relayload.verbs.profile_source import ProfileSource, profile_or_url
from relayload.verbs.web_options import with_web_options

if TYPE_CHECKING:
    from relayload.locust_plugin.launch import Launch
    from relayload.locust_plugin.options import Exports, WebOptions
    from relayload.recording import Recording
    from relayload.verbs.carrying_out import CarryOut


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the recording; a new one under runs/.")
@click.option("--processes", default=1, type=click.IntRange(1), help="Load-generating processes.")
@click.option(
    "--repeat", default=1, type=click.IntRange(1), help="Run it so many times, into run-1, run-2 ... of --out."
)
@JSON
@with_outputs
@with_debug_options
@with_metrics_options
@with_web_options
@profile_or_url
def command(
    source: ProfileSource,
    debug: DebugOptions,
    exports: "Exports",
    web: "WebOptions | None",
    out: Path | None,
    processes: int,
    repeat: int,
    outputs: Outputs,
    as_json: bool,
) -> None:
    """Run PROFILE, record it, judge it, and exit with the verdict.

    Of several runs the worst verdict counts; one that could not be carried out ends them. A table of them all comes
    last, and with --json it is the only output. Each run writes its own junit-1.xml, junit-2.xml and so on.
    """
    from relayload.locust_plugin.launch import Launch, begin_early, check_unused
    from relayload.locust_plugin.served_ports import check_ports

    if web is not None and web.stays and repeat > 1:
        raise click.UsageError("--web-stay would keep the first of several runs: leave out one of the two")
    check_ports(exports, web)
    early = click.get_current_context().with_resource(
        begin_early(source.file, source.own_sets, out, processes, exports, web)
    )
    from relayload.profile.forecast import check_samples
    from relayload.profile.plan import check_rows
    from relayload.recording import check_vacant, new_run_dir

    loaded = source.load()
    early.prepare(loaded)
    check_rows(loaded)
    check_samples(loaded)
    run_dir = out or new_run_dir(loaded.name)
    run_dirs = [run_dir] if repeat == 1 else [run_dir / f"run-{number}" for number in range(1, repeat + 1)]
    for own_dir in run_dirs:
        check_vacant(own_dir)
        check_unused(own_dir)
    launches = [
        Launch(*source.written_to(own_dir), own_dir, processes, debug.environ(own_dir), exports=exports, web=web)
        for own_dir in run_dirs
    ]
    launches[0] = replace(launches[0], early=early)
    debug.begin()
    carried_out = partial(carry_out, loaded.name, debug)
    if repeat == 1:
        sys.exit(_once(carried_out, launches[0], outputs, as_json))
    sys.exit(_repeat(carried_out, launches, outputs, as_json))


def _once(carry_out: "CarryOut", launch: "Launch", outputs: Outputs, as_json: bool) -> int:
    reported: list[Recording] = []

    def report(recording: "Recording") -> None:
        verdict = recording.verdict()
        if verdict is not None:
            reported.append(recording)
            print_results(recording, verdict.exit_code, outputs, as_json)
            sys.stdout.flush()

    stays = launch.web is not None and launch.web.stays
    code, recording = carry_out(launch, outputs, "", report if stays else None)
    if reported:
        return code
    if recording is not None:
        print_results(recording, code, outputs, as_json)
    elif as_json:
        print_failure(code, faults_of(message_of(launch, code)))
    return code


def _repeat(carry_out: "CarryOut", launches: "Sequence[Launch]", outputs: Outputs, as_json: bool) -> int:
    """Run one after the other until one can't be carried out, and print a table of all. Return the exit code."""
    from relayload.core.comparison.compare import ENOUGH_RUNS
    from relayload.core.comparison.repeats import repeats
    from relayload.recording.set_page import NAME, page_of
    from relayload.recording.sets import run_line_of
    from relayload.report.repeats import render_repeats

    code, recordings = in_turn(carry_out, launches, outputs, as_json)
    found = repeats([run_line_of(recording) for recording in recordings], code)
    print_value(found, as_json, render_repeats)
    if recordings:
        directory = launches[0].run_dir.parent
        keep_page(directory / NAME, page_of(found, directory))
        following = f"relayload compare {directory} OTHER"
        click.echo(f"next: {following}, another set of at least {ENOUGH_RUNS} runs", err=True)
    return code
