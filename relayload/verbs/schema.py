"""`relayload schema`: the JSON Schema of profiles, for editors."""

import click


@click.command()
def command() -> None:
    """Print the JSON Schema of profiles, for completion and hover texts in editors."""
    from relayload.profile.schema import schema_text

    click.echo(schema_text(), nl=False)
