"""`relayload export otava`: append a row for each run to a CSV file."""

import csv
from collections.abc import Sequence
from pathlib import Path

import click

from relayload.core.errors import AuthorError, Fault
from relayload.core.printable import one_line
from relayload.verbs.arguments import author_errors_exit
from relayload.verbs.examples import epilog
from relayload.verbs.readable import places_in, readable, report_left_out

_WHICH = slice(0, 2)
"""The columns that identify a run: its start and its name."""


@click.command(epilog=epilog("export otava"))
@click.argument("run_dirs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option(
    "--csv",
    "file",
    default=Path("history.csv"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to append to.",
)
@click.option("--print-config", is_flag=True, help="Print the YAML by which Otava finds the file; append nothing.")
@click.option("--otava", "as_history", is_flag=True, hidden=True)  # what `relayload history` called it
@author_errors_exit
def command(run_dirs: tuple[Path, ...], file: Path, print_config: bool, as_history: bool) -> None:
    """Append a row for each run to a CSV file for Apache Otava.

    Rows are appended in the order in which the runs began.

    A run that has a row already is left out, and so is one that can't be read, or that is INVALID, since its numbers
    can't be believed. What keeps Otava from finding changes, such as runs of several profiles in one file, is reported.
    Exits with 2 if no run can be read, or if an earlier version summarized one, whose throughput is another number.
    """
    from relayload.recording import Recording
    from relayload.report.otava import otava_config, remarks

    known = _known(file)
    paths = places_in(run_dirs)
    if print_config or as_history:
        first = readable(paths, Recording.open, Path)[0]
        click.echo(otava_config(str(file), first.run.profile.name, known), nl=False)
        return
    _refuse_old(paths)
    found = {tuple(row[_WHICH]): row for row in filter(None, readable(paths, _row, Path))}
    added = sorted(row for which, row in found.items() if which not in {tuple(row[_WHICH]) for row in known})
    _add(file, known, added)
    rows = "row" if len(added) == 1 else "rows"
    for remark in (f"{len(added)} {rows} added", *remarks(known + added)):
        click.echo(one_line(f"{file}: {remark}"), err=True)


def _refuse_old(paths: Sequence[Path]) -> None:
    """Raise AuthorError if a run was summarized by an earlier version: its numbers are not those of the other rows."""
    from relayload.recording.recording import OLD

    old = [path for path in paths if _is_old(path)]
    if old:
        raise AuthorError([Fault(f"{OLD}: write relayload report {path} --rebuild", file=str(path)) for path in old])


def _is_old(path: Path) -> bool:
    from relayload.recording import Recording

    try:
        return Recording.open(path).has_old_summary
    except AuthorError:  # which is reported when its row is made
        return False


def _row(path: Path) -> list[str] | None:
    """Return the row of a run; None if the run has to be left out."""
    from relayload.recording import Recording
    from relayload.recording.sets import results, unfit
    from relayload.report.otava import row

    recording = Recording.open(path)
    summary, verdict = results(recording)
    why = unfit(recording, verdict)
    if why is None:
        return row(summary, verdict)
    report_left_out(path, why)
    return None


def _known(file: Path) -> list[list[str]]:
    """Return the rows in the file. Raises AuthorError if it can't be read or has other columns."""
    from relayload.document.encoding import open_text
    from relayload.report.otava import COLUMNS

    if not _begun(file):
        return []
    try:
        with open_text(file, newline="") as opened:
            header, *rows = [row for row in csv.reader(opened) if row] or [[]]
    except OSError as error:
        raise _fault(file, f"can't be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise _fault(file, f"is not a CSV in UTF-8: {error}") from None
    if header != list(COLUMNS):
        raise _fault(
            file, "has other columns than this version writes, whose numbers may differ: name another file with --csv"
        )
    if any(len(row) != len(COLUMNS) for row in rows):
        raise _fault(file, "has a row that is not whole, which Otava refuses: take it out")
    return rows


def _begun(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _ended(file: Path) -> bool:
    """Return whether the last line is complete, so that an appended row begins a new line."""
    return file.read_bytes().endswith(b"\n")


def _add(file: Path, known: list[list[str]], added: list[list[str]]) -> None:
    """Append rows. The file is rewritten if they belong before existing rows, or if its last line is incomplete."""
    from relayload.report.otava import COLUMNS

    header = [] if _begun(file) else [list(COLUMNS)]
    try:
        if known and added and (added[0] < known[-1] or not _ended(file)):
            anew = file.with_name(f"{file.name}.new")
            _write(anew, "w", [list(COLUMNS), *sorted(known + added)])
            anew.replace(file)
        else:
            _write(file, "a", header + added)
    except OSError as error:
        raise _fault(file, f"can't be written: {error.strerror}") from None


def _write(file: Path, mode: str, rows: list[list[str]]) -> None:
    with file.open(mode, newline="", encoding="utf-8") as opened:
        csv.writer(opened, lineterminator="\n").writerows(rows)


def _fault(file: Path, message: str) -> AuthorError:
    return AuthorError([Fault(message, file=str(file))])
