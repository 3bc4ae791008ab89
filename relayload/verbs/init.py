"""`relayload init`: write a profile to begin with."""

import shlex
from pathlib import Path

import click

from relayload.verbs.arguments import author_errors_exit


@click.command()
@click.argument("file", default="relayload.yaml", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "kind",
    metavar="NAME",
    shell_complete=lambda _ctx, _param, begun: [kind for kind in _kinds() if kind.startswith(begun)],
    help="A relay (openai, litellm, holysheep, vllm), or a ready profile (`relayload profiles`) to copy.",
)
@author_errors_exit
def command(file: Path, kind: str | None) -> None:
    """Write a commented profile to FILE (relayload.yaml), and the schema for editors beside it."""
    from relayload.profile.starter import DEFAULT, write_starter

    for path in write_starter(file, kind or DEFAULT):
        click.echo(f"wrote {path}", err=True)
    click.echo(f"next: relayload check {shlex.quote(str(file))}", err=True)


def _kinds() -> list[str]:
    from relayload.profile.starter import kinds

    return kinds()
