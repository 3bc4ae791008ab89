"""`relayload init`: a profile to begin with."""

from pathlib import Path

import click

from relayload.verbs.arguments import author_errors_exit

_KINDS = ("openai", "litellm", "holysheep", "vllm")


@click.command()
@click.argument("file", default="relayload.yaml", type=click.Path(path_type=Path))
@click.option("--from", "kind", type=click.Choice(_KINDS), help="The relay to begin with, instead of a fake one.")
@author_errors_exit
def command(file: Path, kind: str | None) -> None:
    """Write a commented profile to FILE (relayload.yaml), and the schema for editors beside it."""
    from relayload.profile.starter import DEFAULT, write_starter

    for path in write_starter(file, kind or DEFAULT):
        click.echo(f"wrote {path}", err=True)
    click.echo(f"next: relayload check {file}", err=True)
