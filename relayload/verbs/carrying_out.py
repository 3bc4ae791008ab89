"""Carries out runs, one or several in turn, and prints what came of each."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from relayload.core.errors import Fault
from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.printable import one_line
from relayload.verbs.arguments import print_table, print_value
from relayload.verbs.ci_options import Outputs, not_run
from relayload.verbs.debug_options import DebugOptions
from relayload.verbs.profile_source import FILE_NAME, in_options

if TYPE_CHECKING:
    from relayload.core.model.progress import Progress
    from relayload.locust_plugin.launch import Launch
    from relayload.recording import Recording

    Report = Callable[[Recording], None]
    CarryOut = Callable[[Launch, Outputs, str, Report | None], tuple[int, Recording | None]]
    """Takes the launch, what to write, which run of how many it is, if there are several, and what reports a run while
    its page stays."""


def in_turn(
    carry_out: "CarryOut", launches: "Sequence[Launch]", outputs: Outputs, as_json: bool
) -> "tuple[int, list[Recording]]":
    """Run one after the other until one can't be carried out; return the worst exit code, and what was recorded."""
    from relayload.core.comparison.repeats import VERDICTS, worst

    codes: list[int] = []
    recordings: list[Recording] = []
    for number, launch in enumerate(launches, 1):
        code, recording = carry_out(launch, outputs.of_run(number), f", run {number} of {len(launches)}", None)
        codes.append(code)
        if recording is not None:
            recordings.append(recording)
            print_results(recording, code, outputs.of_run(number), as_json, in_a_set=True)
        if code not in VERDICTS:
            return code, recordings
    return worst(codes), recordings


def carry_out(
    name: str, debug: DebugOptions, launch: "Launch", outputs: Outputs, which: str, report: "Report | None"
) -> "tuple[int, Recording | None]":
    """Run once: return the exit code, and the recording if it has a verdict. Print what went wrong, if anything did."""
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
        message = message_of(launch, code)
        click.echo(message, err=True, nl=False)
        if judged is None:
            not_run(outputs, name, code, faults_of(message))
    return code, judged


def message_of(launch: "Launch", code: int) -> str:
    """Return the message for a run that left no verdict, or that failed in part."""
    from relayload.locust_plugin.launch import last_words, recorded

    if not recorded(launch.run_dir) and code in INTERRUPTIONS:
        return f"relayload: {INTERRUPTIONS[code]} ended the run before its load began\n"
    message = "".join(f"{one_line(line)}\n" for line in last_words(launch.run_dir).splitlines())
    return in_options(message) if launch.profile.name == FILE_NAME else message


def faults_of(message: str) -> list[Fault]:
    """Return a message as one fault on one line, for CI systems."""
    from relayload.locust_plugin.options import OWN_MESSAGE

    lines = [line.removeprefix(OWN_MESSAGE) for line in message.splitlines() if line.strip()]
    return [Fault("; ".join(lines) or "it ended without a word")]


def print_results(
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
