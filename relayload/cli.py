"""The command line: verbs, each of which reads a profile or a recording and works alone.

Data goes to stdout, talk to stderr. Every verb imports what it needs when it is called, so that `--help` is quick.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from relayload import __version__

_BAD_INPUT = 2
_CRASHED = 1
_P = ParamSpec("_P")

_PROFILE = click.argument("profile", type=click.Path(path_type=Path))
_RUN_DIR = click.argument("run_dir", type=click.Path(path_type=Path))
_SETS = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a value of the profile, such as load.stages.0.rate=5/s. May be repeated.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


_ELSEWHERE = {
    "calibrate": ("relayload.calibration.command", "Measure how well this machine measures."),
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

    Exit codes: 0 pass, 1 crash, 2 bad profile or arguments, 3 fail, 4 inconclusive or invalid, 6 target
    unreachable, 130/143 interrupted.
    """


def _author_errors_exit(verb: Callable[_P, None]) -> Callable[_P, None]:
    """Every fault of the author on a line of its own, and exit code 2."""
    from relayload.core.errors import AuthorError

    @wraps(verb)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except AuthorError as error:
            click.echo(str(error), err=True)
            sys.exit(_BAD_INPUT)

    return wrapped


@main.command()
@_PROFILE
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the recording; a new one under runs/.")
@_SETS
@click.option("--processes", default=1, type=click.IntRange(1), help="Load-generating processes.")
@_JSON
@_author_errors_exit
def run(profile: Path, out: Path | None, sets: tuple[str, ...], processes: int, as_json: bool) -> None:
    """Run PROFILE, record it, judge it, and exit with the verdict."""
    from relayload.profile import load
    from relayload.profile.plan import check_rows
    from relayload.recording import check_vacant, new_run_dir
    from relayload.report.live import LiveDisplay
    from relayload.swarm.launch import Launch
    from relayload.swarm.launch import run as launch

    loaded = load(profile, sets)
    check_rows(loaded)
    name = loaded.name
    run_dir = out or new_run_dir(name)
    check_vacant(run_dir)
    with LiveDisplay(name) as display:
        code = launch(Launch(profile, sets, run_dir, processes), display.show)
    _print_results(run_dir, code, as_json)
    sys.exit(code)


@main.command()
@_PROFILE
@_SETS
@_JSON
@_author_errors_exit
def check(profile: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Validate PROFILE and print its plan, without contacting anything."""
    from relayload.profile import load
    from relayload.profile.plan import plan
    from relayload.report.plan import render_plan

    _print(plan(load(profile, sets)), as_json, render_plan)


@main.command()
@_RUN_DIR
@_JSON
@_author_errors_exit
def gate(run_dir: Path, as_json: bool) -> None:
    """Judge a recording again by its objectives, and exit with the verdict."""
    from relayload.recording import Recording
    from relayload.report.text import render_verdict

    recording = Recording.open(run_dir)
    verdict = recording.judge()
    recording.write_verdict(verdict)
    _print(verdict, as_json, render_verdict)
    sys.exit(verdict.exit_code)


@main.command()
@_RUN_DIR
@click.option("--rebuild", is_flag=True, help="Fold the records again and replace summary.json.")
@_JSON
@_author_errors_exit
def report(run_dir: Path, rebuild: bool, as_json: bool) -> None:
    """Print the summary of a recording."""
    from relayload.recording import Recording
    from relayload.report.text import render_summary

    recording = Recording.open(run_dir)
    summary = recording.rebuild() if rebuild else recording.summary()
    _print(summary, as_json, render_summary)


def _print(value: Any, as_json: bool, render: Callable[[Any], str]) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value)).decode() + "\n" if as_json else render(value)
    click.echo(text, nl=False)


def _print_results(run_dir: Path, code: int, as_json: bool) -> None:
    """What the run left behind: its tables, and what Locust last said when something went wrong."""
    from relayload.recording import Recording
    from relayload.report.text import render_summary, render_verdict
    from relayload.swarm.launch import last_words

    recording = Recording.open(run_dir) if (run_dir / "run.json").exists() else None
    verdict = recording.verdict() if recording else None
    if recording is None or verdict is None or code == _CRASHED:
        click.echo(last_words(run_dir), err=True, nl=False)
    if recording is None or verdict is None:
        return
    if as_json:
        _print(verdict, as_json, render_verdict)
    else:
        click.echo(f"{render_summary(recording.summary())}\n{render_verdict(verdict)}", nl=False)
    click.echo(f"recording: {run_dir}", err=True)
