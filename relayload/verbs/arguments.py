"""What verbs share: arguments, printing, and how they report the author's faults."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from relayload import files
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.report.output import print_failure as print_failure
from relayload.report.output import print_table as print_table
from relayload.report.output import print_value as print_value

TOLERANCE = "10%"
"""How much worse a measure may become, unless told otherwise."""
_P = ParamSpec("_P")

PROFILE = click.argument("profile", required=False, type=click.Path(path_type=Path))
RUN_DIR = click.argument("run_dir", type=click.Path(path_type=Path))
SETS = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a value of the profile, such as load.stages.0.rate=5/s; list items count from 0. May be repeated.",
)
HTML = click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page with charts as well."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def author_errors_exit(verb: Callable[_P, None]) -> Callable[_P, None]:
    """Make a verb report faults of the author, one a line or with --json as one document, and exit with code 2."""

    @wraps(verb)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except AuthorError as error:
            print_faults(error, as_json=bool(kwargs.get("as_json")))
            sys.exit(ExitCode.BAD_INPUT)

    return wrapped


def print_faults(error: AuthorError, *, as_json: bool) -> None:
    """Print the faults on stderr and, with `as_json`, as a document on stdout as well."""
    click.echo(str(error), err=True)
    if as_json:
        print_failure(ExitCode.BAD_INPUT, error.faults)


def tolerance_of(text: str) -> float:
    """Return the share that `--tolerance` names. Raises AuthorError."""
    from relayload.core.units import fraction

    try:
        return fraction(text)
    except ValueError as error:
        raise AuthorError([Fault(str(error), path="--tolerance")]) from None


def write_text(path: Path, text: str) -> None:
    """Write a file that an option names. Raises AuthorError if it can't be written."""
    with writing(path):
        path.write_text(text, encoding="utf-8")


def write_page(path: Path, page: str) -> None:
    """Write a page that `--html` names, and say so. Raises AuthorError if it can't be written."""
    write_text(path, page)
    click.echo(f"page: {path}", err=True)


def keep_page(path: Path, page: str) -> None:
    """Write the page of a result beside it. The result stands without it, so that a failure is a warning."""
    try:
        files.replace(path, page.encode())
    except OSError as error:
        click.echo(f"warning: {path}: can't be written: {error.strerror}", err=True)
    else:
        click.echo(f"page: {path}", err=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the directory of a file that an option names, and turn an OSError while writing into an AuthorError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise AuthorError([Fault(f"can't be written: {error.strerror}", file=str(path))]) from None
