"""The command line. Each verb reads a profile or a recording and works alone.

Data goes to stdout, messages go to stderr. Every verb imports what it needs when it is called, so that `--help` is
quick.
"""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from relayload import __version__
from relayload.core.errors import AuthorError, Fault
from relayload.core.printable import one_line
from relayload.verbs.arguments import HTML, JSON, RUN_DIR, author_errors_exit, print_table, print_value, write_text
from relayload.verbs.examples import epilog
from relayload.verbs.suggestions import suggested_verb, with_suggested_option

_ELSEWHERE = {
    "calibrate": ("relayload.calibration.command", "Measure how well this machine measures."),
    "capacity": ("relayload.verbs.capacity", "Search for the highest rate that meets the objectives."),
    "cost": ("relayload.verbs.cost", "Tell what traffic costs, and what is saved elsewhere."),
    "check": ("relayload.verbs.check", "Validate a profile and print its plan, without contacting anything."),
    "compare": ("relayload.verbs.compare", "Compare runs with others: exit 3 if they are proven to be worse."),
    "doctor": ("relayload.verbs.doctor", "Ask the target of a profile a few questions and explain what is wrong."),
    "export": ("relayload.verbs.export", "Write recordings in the formats of other tools, such as Apache Otava."),
    "fake-relay": ("relayload.fakerelay.command", "Run the fake relay alone, to try things on."),
    "gate": ("relayload.verbs.gate", "Judge a recording again by its objectives, and exit with the verdict."),
    "init": ("relayload.verbs.init", "Write a commented profile to begin with."),
    "limits": ("relayload.verbs.limits", "Find the limits that a key at a relay really has, by asking."),
    "schema": ("relayload.verbs.schema", "Print the JSON Schema of profiles, for editors."),
    "locustfile": ("relayload.verbs.locustfile", "Print the path of the locustfile, for locust -f."),
    "merge": ("relayload.verbs.merge", "Make one recording of those of several workers or hosts."),
    "plan": ("relayload.verbs.plan", "Tell what a capacity means in replicas or keys, quota, time and money."),
    "profiles": ("relayload.verbs.profiles", "List the ready profiles, which run by their names."),
    "run": ("relayload.verbs.run", "Run a profile, record it, judge it, and exit with the verdict."),
}
_RENAMED = MappingProxyType({"history": "export otava", "relay": "fake-relay"})
"""The present names of verbs by their former ones, which work for one more version and are hidden from the help."""


class _Verbs(click.Group):
    """The verbs below and those in modules of their own, which are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = (name for name in super().list_commands(ctx) if not self.commands[name].hidden)
        return sorted([*own, *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if cmd_name in _ELSEWHERE:
            found = importlib.import_module(_ELSEWHERE[cmd_name][0]).command
        if found is not None and found.epilog is None:
            found.epilog = epilog(cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, but accept former names of verbs and suggest one for an unknown word."""
        args = _with_new_name(args, silent=ctx.resilient_parsing)
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            ctx.fail(
                f"there is no verb '{one_line(word, 60)}'{suggested_verb(word, self.list_commands(ctx), self.commands)}"
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke as click does, but suggest our option for one that another tool has."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise with_suggested_option(error) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        shown = {name: command for name, command in self.commands.items() if not command.hidden}
        rows = [(name, command.get_short_help_str(80)) for name, command in shown.items()]
        rows += [(name, line) for name, (_, line) in _ELSEWHERE.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


def _with_new_name(args: list[str], *, silent: bool) -> list[str]:
    old, *rest = args
    if old not in _RENAMED:
        return args
    if not silent:
        warning = f"warning: 'relayload {old}' is now 'relayload {_RENAMED[old]}': the next version drops the old name"
        click.echo(warning, err=True)
    return [*_RENAMED[old].split(), *rest]


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="relayload")
def main() -> None:
    """Load-test OpenAI-compatible relays.

    `relayload VERB --help` shows what a verb takes, with examples and its exit codes.

    Exit codes: 0 pass or not judged, 1 crash, 2 bad profile or arguments, 3 fail, 4 inconclusive or invalid, 5 stopped
    by a guardrail, 6 target unreachable, 130/143 interrupted.
    """


@main.command()
@RUN_DIR
@click.option("--rebuild", is_flag=True, help="Fold the records again and replace summary.json.")
@HTML
@JSON
@author_errors_exit
def report(run_dir: Path, rebuild: bool, html: Path | None, as_json: bool) -> None:
    """Print what was tested, the verdict and the summary of a recording.

    Of a directory of recordings, as `run --repeat` makes it, print a table of them; of a capacity search, its answer.
    """
    from relayload.recording import Recording
    from relayload.recording.recording import RUN
    from relayload.recording.sets import results
    from relayload.report.text import render_run, render_summary

    if not (run_dir / RUN).is_file() and _report_several(run_dir, html, rebuild=rebuild, as_json=as_json):
        return
    recording = Recording.open(run_dir)
    if as_json and html is None:
        print_value(recording.rebuild() if rebuild else recording.summary(), as_json, render_summary)
        return
    folded = recording.fold() if rebuild or (html is not None and recording.has_records) else None
    summary, verdict = folded.results() if folded is not None and rebuild else results(recording, folded)
    if rebuild:
        recording.write_summary(summary)
    if html is not None:
        from relayload.recording.run_page import page_of

        write_text(html, page_of(recording, summary, verdict, folded))
    if as_json:
        print_value(summary, as_json, render_summary)
    else:
        print_table(partial(render_run, summary, recording.run, verdict, verdict_first=True))


def _report_several(directory: Path, html: Path | None, *, rebuild: bool, as_json: bool) -> bool:
    """Print what a search or a set of runs came to; return whether the directory holds one."""
    from relayload.capacity.answer_file import FILE
    from relayload.recording.sets import holds_recordings

    if (directory / FILE).is_file():
        _report_capacity(directory, html, rebuild=rebuild, as_json=as_json)
        return True
    if holds_recordings(directory):
        _report_set(directory, html, rebuild=rebuild, as_json=as_json)
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

        write_text(html, page_of(capacity, directory, html.parent))
    print_value(capacity, as_json, render_capacity)


def _report_set(directory: Path, html: Path | None, *, rebuild: bool, as_json: bool) -> None:
    from relayload.core.comparison.repeats import repeats, worst
    from relayload.recording.sets import recordings, run_line_of
    from relayload.report.repeats import render_repeats

    if rebuild:
        raise AuthorError([Fault(f"is for one recording: name one of those in {directory}", path="--rebuild")])
    opened = recordings([directory])
    lines = [run_line_of(recording) for recording in opened]
    found = repeats(lines, worst(line.verdict.exit_code for line in lines))
    mixed = len({recording.run.profile.sha256 for recording in opened}) > 1
    warnings = ["the runs are of different profiles"] if mixed else []
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if html is not None:
        from relayload.recording.set_page import page_of

        write_text(html, page_of(found, html.parent, warnings))
    print_value(found, as_json, render_repeats)


@main.command(hidden=True)
@click.pass_context
def version(ctx: click.Context) -> None:
    """Print the version, as `--version` does."""
    click.echo(f"relayload, version {__version__}", color=ctx.color)


@main.command("help", hidden=True)
@click.argument("verb", nargs=-1)
@click.pass_context
def help_on(ctx: click.Context, verb: tuple[str, ...]) -> None:
    """Print the help of a verb, as `VERB --help` does."""
    assert ctx.parent is not None
    main.main([*verb, "--help"], prog_name=ctx.parent.info_name)
