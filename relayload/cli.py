"""The command line: verbs, each of which reads a profile or a recording and works alone.

Data goes to stdout, talk to stderr. Every verb imports what it needs when it is called, so that `--help` is quick.
"""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

import click

from relayload import __version__
from relayload.verbs.arguments import JSON, RUN_DIR, author_errors_exit, print_table, print_value

_ELSEWHERE = {
    "calibrate": ("relayload.calibration.command", "Measure how well this machine measures."),
    "cost": ("relayload.verbs.cost", "Tell what traffic costs, and what is saved elsewhere."),
    "check": ("relayload.verbs.check", "Validate a profile and print its plan, without contacting anything."),
    "compare": ("relayload.verbs.compare", "Compare runs with others: exit 3 if they are proven to be worse."),
    "doctor": ("relayload.verbs.doctor", "Ask the target of a profile a few questions and explain what is wrong."),
    "gate": ("relayload.verbs.gate", "Judge a recording again by its objectives, and exit with the verdict."),
    "init": ("relayload.verbs.init", "Write a commented profile to begin with."),
    "schema": ("relayload.verbs.schema", "Print the JSON Schema of profiles, for editors."),
    "history": ("relayload.verbs.history", "Append a row for each run to a CSV that Apache Otava reads."),
    "locustfile": ("relayload.verbs.locustfile", "Print the path of the locustfile, for locust -f."),
    "merge": ("relayload.verbs.merge", "Make one recording of those of several workers or hosts."),
    "profiles": ("relayload.verbs.profiles", "List the ready profiles, which run by their names."),
    "run": ("relayload.verbs.run", "Run a profile, record it, judge it, and exit with the verdict."),
    "relay": ("relayload.fakerelay.command", "Run the fake relay alone, for trials."),
}


class _Verbs(click.Group):
    """The verbs below, and those that live in their own rooms: imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ELSEWHERE:
            command: click.Command = importlib.import_module(_ELSEWHERE[cmd_name][0]).command
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        rows = [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        rows += [(name, line) for name, (_, line) in _ELSEWHERE.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="relayload")
def main() -> None:
    """Load-test OpenAI-compatible relays.

    Exit codes: 0 pass or not judged, 1 crash, 2 bad profile or arguments, 3 fail, 4 inconclusive or invalid, 5 stopped
    by a guardrail, 6 target unreachable, 130/143 interrupted.
    """


@main.command()
@RUN_DIR
@click.option("--rebuild", is_flag=True, help="Fold the records again and replace summary.json.")
@JSON
@author_errors_exit
def report(run_dir: Path, rebuild: bool, as_json: bool) -> None:
    """Print what was tested, the verdict and the summary of a recording."""
    from relayload.recording import Recording
    from relayload.recording.sets import results
    from relayload.report.text import render_summary

    recording = Recording.open(run_dir)
    if as_json:
        print_value(recording.rebuild() if rebuild else recording.summary(), as_json, render_summary)
        return
    summary, verdict = recording.fold().results() if rebuild else results(recording)
    if rebuild:
        recording.write_summary(summary)
    print_table(partial(render_summary, summary, recording.run, verdict))
