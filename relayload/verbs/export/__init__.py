"""`relayload export`: writes recordings in the formats of other tools, one module for each."""

import click

from relayload.verbs.export import otava


@click.group()
def command() -> None:
    """Write recordings in the formats of other tools."""


command.add_command(otava.command, "otava")
