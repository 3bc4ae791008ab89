"""The command line. Each verb reads a profile or a recording and works alone.

Data goes to stdout, messages go to stderr. Every verb imports what it needs when it is called, so that `--help` is
quick.
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import Any

import click

from relayload import __version__
from relayload.core.printable import one_line
from relayload.verbs.examples import epilog
from relayload.verbs.suggestions import suggested_verb, with_suggested_option

_ELSEWHERE = {
    "audit": ("relayload.verbs.audit", "Tell whether a relay counts tokens honestly and serves the model it names."),
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
    "noise": ("relayload.verbs.noise", "Tell the smallest change that compare could prove here."),
    "overhead": ("relayload.verbs.overhead", "Measure what a relay adds to the direct way."),
    "plan": ("relayload.verbs.plan", "Tell what a capacity means in replicas or keys, quota, time and money."),
    "profiles": ("relayload.verbs.profiles", "List the ready profiles, which run by their names."),
    "report": ("relayload.verbs.report", "Print what was tested, the verdict and the summary of a recording."),
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
