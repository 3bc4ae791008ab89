"""The entry point of `python -m relayload.fakerelay`."""

from relayload.fakerelay.command import command

command(prog_name="python -m relayload.fakerelay")
