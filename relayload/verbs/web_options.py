"""The options that show a run in Locust's web page."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from relayload.locust_plugin.options import LOOPBACK, MOST_PORT, WebOptions

_OPTIONS = (
    click.option(
        "--web",
        is_flag=True,
        help=f"Show the run at http://{LOOPBACK}:PORT/relay while it goes on; it ends as it does without.",
    ),
    click.option(
        "--web-port",
        type=click.IntRange(0, MOST_PORT),
        metavar="PORT",
        help="The port of the page, instead of any free one.",
    ),
    click.option(
        "--web-stay", is_flag=True, help="Keep the page after the verdict, until Ctrl-C; the exit code stays."
    ),
    click.option(
        "--web-profiles",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="DIR",
        help="With --web-stay: start the profiles of this folder from the page, too.",
    ),
)


def with_web_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb these options, as `web`."""

    @wraps(verb)
    def with_options(
        *, web: bool, web_port: int | None, web_stay: bool, web_profiles: Path | None, **options: Any
    ) -> None:
        if not web and (web_port is not None or web_stay or web_profiles):
            raise click.UsageError("--web-port, --web-stay and --web-profiles need --web")
        if web_profiles and not web_stay:
            raise click.UsageError("--web-profiles needs --web-stay: without it the page ends with the run")
        verb(web=WebOptions(web_port or 0, web_stay, web_profiles) if web else None, **options)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
