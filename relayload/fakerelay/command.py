"""The command `relayload fake-relay`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from relayload.core.exit_codes import ExitCode

KEY_VARIABLE = "RELAYLOAD_FAKE_RELAY_KEY"


@click.command()
@click.option("--preset", default="o-series", show_default=True, metavar="NAME|FILE", help="What the relay is like.")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change a value of the preset: models.o3.speed=50/s."
)
@click.option("--list", "list_presets", is_flag=True, help="List the presets that come with relayload, and exit.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8600, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--key",
    "api_keys",
    multiple=True,
    default=["sk-fake"],
    show_default=True,
    envvar=KEY_VARIABLE,
    show_envvar=True,
    help="A key to accept; repeat it for more. In the variable, spaces separate them.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes. Each has limits, slots, faults and statistics of its own.",
)
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Append every request as JSON lines.")
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin ends or the parent process dies.")
def command(preset: str, sets: tuple[str, ...], list_presets: bool, **options: Any) -> None:
    """Run a fake OpenAI-compatible relay, whose latency, limits and faults are known.

    Its own account of what it served is at /__relay/stats and /__relay/requests?last=N; POST /__relay/reset
    starts it anew.
    """
    from relayload.core.errors import AuthorError

    try:
        if list_presets:
            _list()
        else:
            _serve(preset, sets, options)
    except AuthorError as error:
        click.echo(str(error), err=True)
        raise SystemExit(ExitCode.BAD_INPUT) from None


def _list() -> None:
    from relayload.fakerelay.preset import names, read
    from relayload.report.names import render_names
    from relayload.report.output import print_table

    print_table(partial(render_names, [(name, read(name).description) for name in names()]))


def _serve(preset: str, sets: tuple[str, ...], options: dict[str, Any]) -> None:
    from relayload.fakerelay.preset import read
    from relayload.fakerelay.server import Options, serve

    serve(read(preset, sets), Options(**options), click.echo)
