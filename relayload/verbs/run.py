"""`relayload run`: send what a profile describes, record it and judge it, once or several times."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.core.errors import Fault
from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.printable import one_line
from relayload.verbs.arguments import JSON, keep_page, print_failure, print_table, print_value
from relayload.verbs.ci_options import Outputs, not_run, with_outputs
from relayload.verbs.debug_options import DebugOptions, with_debug_options
from relayload.verbs.metrics_options import with_metrics_options
from relayload.verbs.profile_source import FILE_NAME, ProfileSource, in_options, profile_or_url
from relayload.verbs.web_options import with_web_options

if TYPE_CHECKING:
    from relayload.core.model.progress import Progress
    from relayload.locust_plugin.launch import Launch
    from relayload.locust_plugin.options import Exports, WebOptions
    from relayload.recording import Recording

    Report = Callable[[Recording], None]
    CarryOut = Callable[[Launch, Outputs, str, Report | None], tuple[int, Recording | None]]
    """Takes the launch, what to write, which run of how many it is, if there are several, and what reports a run while
    its page stays."""


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

    if web is not None and web.stays and repeat > 1:
        raise click.UsageError("--web-stay would keep the first of several runs: leave out one of the two")
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
    carry_out = partial(_run, loaded.name, debug)
    if repeat == 1:
        sys.exit(_once(carry_out, launches[0], outputs, as_json))
    sys.exit(_repeat(carry_out, launches, outputs, as_json))


def _once(carry_out: "CarryOut", launch: "Launch", outputs: Outputs, as_json: bool) -> int:
    reported: list[Recording] = []

    def report(recording: "Recording") -> None:
        verdict = recording.verdict()
        if verdict is not None:
            reported.append(recording)
            _print_results(recording, verdict.exit_code, outputs, as_json)
            sys.stdout.flush()

    stays = launch.web is not None and launch.web.stays
    code, recording = carry_out(launch, outputs, "", report if stays else None)
    if reported:
        return code
    if recording is not None:
        _print_results(recording, code, outputs, as_json)
    elif as_json:
        print_failure(code, _faults(_message(launch, code)))
    return code


def _repeat(carry_out: "CarryOut", launches: "Sequence[Launch]", outputs: Outputs, as_json: bool) -> int:
    """Run one after the other until one can't be carried out, and print a table of all. Return the exit code."""
    from relayload.core.comparison.compare import ENOUGH_RUNS
    from relayload.core.comparison.repeats import VERDICTS, repeats, worst
    from relayload.recording.set_page import NAME, page_of
    from relayload.recording.sets import run_line_of
    from relayload.report.repeats import render_repeats

    codes: list[int] = []
    recordings: list[Recording] = []
    for number, launch in enumerate(launches, 1):
        code, recording = carry_out(launch, outputs.of_run(number), f", run {number} of {len(launches)}", None)
        codes.append(code)
        if recording is not None:
            recordings.append(recording)
            _print_results(recording, code, outputs.of_run(number), as_json, in_a_set=True)
        if code not in VERDICTS:
            break
    code = codes[-1] if codes[-1] not in VERDICTS else worst(codes)
    found = repeats([run_line_of(recording) for recording in recordings], code)
    print_value(found, as_json, render_repeats)
    if recordings:
        directory = launches[0].run_dir.parent
        keep_page(directory / NAME, page_of(found, directory))
        following = f"relayload compare {directory} OTHER"
        click.echo(f"next: {following}, another set of at least {ENOUGH_RUNS} runs", err=True)
    return code


def _run(
    name: str, debug: DebugOptions, launch: "Launch", outputs: Outputs, which: str, report: "Report | None"
) -> "tuple[int, Recording | None]":
    """Return the exit code, and the recording if it has a verdict. Print what went wrong, if anything did."""
    from relayload.locust_plugin.early import LOG_NAME
    from relayload.locust_plugin.launch import recorded, run
    from relayload.recording import Recording
    from relayload.recording.run_page import NAME as REPORT
    from relayload.report.live import LiveDisplay

    followed = debug.followed(launch.run_dir, LOG_NAME)
    with LiveDisplay(f"{name}{which}") as display:

        def show(progress: "Progress | None") -> None:
            nonlocal report
            display.say(*(line for each in followed for line in each.lines()))
            if report is None or not (launch.run_dir / REPORT).is_file():
                display.show(progress)
                return
            display.stop()
            report(Recording.open(launch.run_dir))
            report = None

        code = run(launch, show)
        display.say(*(line for each in followed for line in each.lines()))
    recording = Recording.open(launch.run_dir) if recorded(launch.run_dir) else None
    judged = recording if recording is not None and recording.verdict() is not None else None
    if judged is None or code == ExitCode.CRASH:
        message = _message(launch, code)
        click.echo(message, err=True, nl=False)
        if judged is None:
            not_run(outputs, name, code, _faults(message))
    return code, judged


def _message(launch: "Launch", code: int) -> str:
    """Return the message for a run that left no verdict, or that failed in part."""
    from relayload.locust_plugin.launch import last_words, recorded

    if not recorded(launch.run_dir) and code in INTERRUPTIONS:
        return f"relayload: {INTERRUPTIONS[code]} ended the run before its load began\n"
    message = "".join(f"{one_line(line)}\n" for line in last_words(launch.run_dir).splitlines())
    return in_options(message) if launch.profile.name == FILE_NAME else message


def _faults(message: str) -> list[Fault]:
    """Return a message as one fault on one line, for CI systems."""
    from relayload.locust_plugin.options import OWN_MESSAGE

    lines = [line.removeprefix(OWN_MESSAGE) for line in message.splitlines() if line.strip()]
    return [Fault("; ".join(lines) or "it ended without a word")]


def _print_results(
    recording: "Recording", code: int, outputs: Outputs, as_json: bool, *, in_a_set: bool = False
) -> None:
    """Print the tables of a run, or with `as_json` its verdict, unless one for the whole set is still to come."""
    from relayload.recording.sets import results
    from relayload.report.text import render_run, render_verdict

    summary, verdict = results(recording)
    if not as_json:
        print_table(partial(render_run, summary, recording.run, verdict))
    elif not in_a_set:
        print_value(verdict, as_json, render_verdict)
    if outputs.wanted:
        from relayload.core.objectives.verdict import crashed
        from relayload.verbs.ci_outputs import write_outputs

        write_outputs(outputs, summary, crashed(verdict) if code == ExitCode.CRASH else verdict)
    page = recording.directory / "report.html"
    if page.is_file():
        click.echo(f"page: {page}", err=True)
    click.echo(f"recording: {recording.directory}", err=True)
