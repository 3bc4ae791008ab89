"""`relayload schema`: print the JSON Schema of profiles, for editors."""

import click


@click.command()
def command() -> None:
    """Print the JSON Schema of profiles, for completion and hover texts in editors."""
    from relayload.profile.schema import schema_text
    from relayload.report.output import print_json_text

    print_json_text(schema_text())
