"""`relayload history`: a row for each run in a file that grows."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.verbs.arguments import author_errors_exit

if TYPE_CHECKING:
    from relayload.core.errors import AuthorError
    from relayload.recording import Recording

_WHICH = slice(0, 2)
"""The columns that tell which run it was: when it began, and its name."""


@click.command()
@click.argument("run_dirs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option(
    "--csv",
    "file",
    default=Path("history.csv"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to append to.",
)
@click.option("--otava", is_flag=True, help="Print what Apache Otava wants to know of the file, and append nothing.")
@author_errors_exit
def command(run_dirs: tuple[Path, ...], file: Path, otava: bool) -> None:
    """Append a row for each run to a CSV that Apache Otava reads, in the order in which they began.

    A run that has a row already is left out, and so is one that is INVALID, since its numbers can't be believed.
    """
    from relayload.recording.sets import recordings
    from relayload.report.history import otava_config

    found = recordings(run_dirs)
    if otava:
        click.echo(otava_config(str(file), found[0].run.profile.name), nl=False)
        return
    known = _known(file)
    added = [row for row in sorted(_rows(found)) if tuple(row[_WHICH]) not in known]
    _append(file, added, new=not _begun(file))
    click.echo(f"{file}: {len(added)} rows added", err=True)


def _rows(found: "list[Recording]") -> Iterator[list[str]]:
    from relayload.core.verdict.stats import Word
    from relayload.recording.sets import results
    from relayload.report.history import row

    for recording in found:
        summary, verdict = results(recording)
        if verdict.verdict in (Word.INVALID, Word.STOPPED):
            click.echo(
                f"{recording.directory}: left out, since it is {verdict.verdict.value}: {'; '.join(verdict.reasons)}",
                err=True,
            )
        else:
            yield row(summary, verdict)


def _begun(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _known(file: Path) -> set[tuple[str, ...]]:
    """The runs that have a row. Raises AuthorError if the file has other columns."""
    from relayload.report.history import COLUMNS

    if not _begun(file):
        return set()
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    if rows[0] != list(COLUMNS):
        raise _fault(file, "has other columns than this version writes: name another file with --csv")
    return {tuple(row[_WHICH]) for row in rows[1:] if row}


def _append(file: Path, rows: list[list[str]], *, new: bool) -> None:
    from relayload.report.history import COLUMNS

    try:
        with file.open("a", newline="", encoding="utf-8") as opened:
            csv.writer(opened, lineterminator="\n").writerows([list(COLUMNS), *rows] if new else rows)
    except OSError as error:
        raise _fault(file, f"can't be written: {error.strerror}") from None


def _fault(file: Path, message: str) -> "AuthorError":
    from relayload.core.errors import AuthorError, Fault

    return AuthorError([Fault(message, file=str(file))])
