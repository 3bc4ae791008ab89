"""`relayload locustfile`: print the path of the locustfile."""

import click


@click.command()
def command() -> None:
    """Print the path of the locustfile.

    \b
    Example:
      locust -f "$(relayload locustfile)" --relay-profile PROFILE
    """
    from relayload.profile.ready_profiles import locustfile

    click.echo(locustfile())
