"""The options `--verbose` and `--http-debug`, which show what a verb does.

A run is another process, which writes its log and its HTTP exchanges to files in its directory. Their lines are printed
here as they arrive.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relayload.locust_plugin.log_lines import Follower, for_users, step
from relayload.verbs.arguments import writing

if TYPE_CHECKING:
    from relayload.transport.http_log import HttpLog

HTTP_FILE = "http-debug.txt"
"""The file for HTTP exchanges in the directory of a run, unless an option names another."""
_DEFAULT_COUNT = 10
_OPTIONS = (
    click.option("-v", "--verbose", is_flag=True, help="Tell step by step what is done, on stderr."),
    click.option(
        "--http-debug", is_flag=True, help="Write down the first requests and answers, keys concealed, on stderr."
    ),
    click.option(
        "--http-debug-count", type=click.IntRange(1), metavar="N", help=f"How many of each process ({_DEFAULT_COUNT})."
    ),
    click.option(
        "--http-debug-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Append them to a file instead.",
    ),
)


@dataclass(frozen=True, slots=True)
class DebugOptions:
    """What to show while a verb runs."""

    verbose: bool = False
    http_count: int = 0
    http_file: Path | None = None

    def environ(self, run_dir: Path) -> Mapping[str, str]:
        """Return the environment variables that make the process of a run write down its HTTP exchanges."""
        from relayload.transport.http_log import COUNT_VARIABLE, FILE_VARIABLE

        if not self.http_count:
            return {}
        file = self.http_file or run_dir / HTTP_FILE
        return {COUNT_VARIABLE: str(self.http_count), FILE_VARIABLE: str(file.absolute())}

    def begin(self) -> None:
        """Warn that debugging costs precision. Raises AuthorError if the file can't be written."""
        if not self.http_count:
            return
        if self.http_file is not None:
            with writing(self.http_file):
                self.http_file.open("ab").close()
        where = f" to {self.http_file}" if self.http_file else ""
        exchanges = "exchange" if self.http_count == 1 else f"{self.http_count} exchanges"
        message = f"writing down the first {exchanges} of each process{where}: their times are not to be trusted"
        click.echo(f"relayload: {message}", err=True)

    def followed(self, run_dir: Path, log_name: str) -> list[Follower]:
        """Return followers of the files whose lines are to be printed."""
        steps = [Follower(run_dir / log_name, step if self.verbose else for_users)]
        exchanges = [Follower(run_dir / HTTP_FILE)] if self.http_count and self.http_file is None else []
        return steps + exchanges

    def http_log(self) -> "HttpLog | None":
        """Return the log for HTTP exchanges of this process; None if they are not wanted."""
        from relayload.transport.http_log import HttpLog, appending, to_stderr

        if not self.http_count:
            return None
        return HttpLog(self.http_count, appending(self.http_file) if self.http_file else to_stderr)

    def log_here(self) -> None:
        """Log the steps of this process on stderr if `verbose` is set."""
        if self.verbose:
            logging.basicConfig(
                stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
            )
            logging.getLogger("relayload").setLevel(logging.INFO)


def with_debug_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb these options, as `debug`."""

    @wraps(verb)
    def with_options(
        *, verbose: bool, http_debug: bool, http_debug_count: int | None, http_debug_file: Path | None, **options: Any
    ) -> None:
        wanted = http_debug or http_debug_count is not None or http_debug_file is not None
        count = (http_debug_count or _DEFAULT_COUNT) if wanted else 0
        verb(debug=DebugOptions(verbose, count, http_debug_file), **options)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
