"""`relayload relay`: the fake relay on the command line."""

import click

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
    "--key", default="sk-fake", show_default=True, envvar=KEY_VARIABLE, show_envvar=True, help="The key to accept."
)
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin ends or the parent process dies.")
def command(
    preset: str, sets: tuple[str, ...], list_presets: bool, host: str, port: int, key: str, exit_with_stdin: bool
) -> None:
    """Run a fake OpenAI-compatible relay, whose latency, limits and faults are known."""
    from relayload.core.errors import AuthorError

    try:
        if list_presets:
            _list()
        else:
            _serve(preset, sets, host, port, key, exit_with_stdin)
    except AuthorError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None


def _list() -> None:
    from relayload.fakerelay.preset import names, read

    for name in names():
        click.echo(f"{name:<12} {read(name).description}")


def _serve(preset: str, sets: tuple[str, ...], host: str, port: int, key: str, exit_with_stdin: bool) -> None:
    from relayload.fakerelay import server
    from relayload.fakerelay.preset import read

    options = server.Options(host, port, key, exit_with_stdin)
    server.serve(read(preset, sets), options, click.echo)
