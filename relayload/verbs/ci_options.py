"""The options by which a verb reports its verdict to CI systems, or why there is none."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.verbs.arguments import print_faults

_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--junit", type=_FILE, metavar="FILE", help="Write JUnit XML: a test case for each objective."),
    click.option("--markdown", type=_FILE, metavar="FILE", help="Write a page of Markdown."),
    click.option("--gitlab", type=_FILE, metavar="FILE", help="Write GitLab's metrics report (OpenMetrics text)."),
    click.option(
        "--github/--no-github",
        default=None,
        help="Annotate, and add to the step summary, of GitHub Actions: the default where GITHUB_ACTIONS is set.",
    ),
)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files to write, and whether to write GitHub annotations (None: if the environment is GitHub's)."""

    junit: Path | None = None
    markdown: Path | None = None
    gitlab: Path | None = None
    github: bool | None = None

    @property
    def wants_github(self) -> bool:
        return in_github() if self.github is None else self.github

    @property
    def show_tables(self) -> bool:
        """Whether any output shows more of the summary than its counts."""
        return self.markdown is not None or self.gitlab is not None or self.wants_github

    @property
    def wanted(self) -> bool:
        """Whether any output was asked for."""
        return self.wants_github or not (self.junit is self.markdown is self.gitlab is None)

    def of_run(self, number: int) -> "Outputs":
        """Return the outputs of one of several runs: `junit.xml` becomes `junit-2.xml`."""
        return replace(
            self,
            junit=_numbered(self.junit, number),
            markdown=_numbered(self.markdown, number),
            gitlab=_numbered(self.gitlab, number),
        )


def _numbered(path: Path | None, number: int) -> Path | None:
    return None if path is None else path.with_stem(f"{path.stem}-{number}")


def in_github() -> bool:
    """Return whether this process is a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def with_outputs(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb those options, as `outputs`. They report faults of the author as well; the exit code is 2."""

    @wraps(verb)
    def wrapped(
        junit: Path | None, markdown: Path | None, gitlab: Path | None, github: bool | None, **arguments: Any
    ) -> None:
        outputs = Outputs(junit, markdown, gitlab, github)
        try:
            verb(outputs=outputs, **arguments)
        except AuthorError as error:
            print_faults(error, as_json=bool(arguments.get("as_json")))
            not_run(outputs, _name(arguments), ExitCode.BAD_INPUT, error.faults)
            sys.exit(ExitCode.BAD_INPUT)

    command: Callable[..., None] = wrapped
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def not_run(outputs: Outputs, name: str, exit_code: int, faults: Sequence[Fault]) -> None:
    """Report to CI systems why there is no verdict. An output that can't be written is an error on stderr alone."""
    if not outputs.wanted:
        return
    from relayload.report.not_run import not_run as reason
    from relayload.verbs.ci_outputs import write_not_run

    try:
        write_not_run(outputs, reason(name, exit_code, faults))
    except AuthorError as unwritable:
        click.echo("".join(f"{fault}\n" for fault in unwritable.faults if fault not in faults), err=True, nl=False)


def _name(arguments: dict[str, Any]) -> str:
    """Return the name of the profile or recording that the verb was called with."""
    about = arguments.get("profile") or arguments.get("run_dir")
    return (about.stem or str(about)) if isinstance(about, Path) else "relayload"
