"""`relayload export`: recordings in the formats of other tools, one file for each of them."""

import click

from relayload.verbs.export import otava


@click.group()
def command() -> None:
    """Write recordings in the formats of other tools."""


command.add_command(otava.command, "otava")
