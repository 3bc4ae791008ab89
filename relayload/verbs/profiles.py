"""`relayload profiles`: list the profiles that run by name."""

from functools import partial

import click

from relayload.report.output import print_json
from relayload.verbs.arguments import JSON, author_errors_exit, print_table


@click.command()
@JSON
@author_errors_exit
def command(as_json: bool) -> None:
    """List the ready profiles, which run by their names from anywhere: `relayload run quickstart`."""
    from relayload.profile.ready_profiles import listed
    from relayload.report.names import render_names

    profiles = listed()
    if as_json:
        print_json(profiles)
    else:
        print_table(partial(render_names, [(profile.name, profile.title) for profile in profiles]))
        click.echo("next: relayload run NAME, or a copy to edit: relayload init FILE --from NAME", err=True)
