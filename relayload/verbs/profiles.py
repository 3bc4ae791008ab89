"""`relayload profiles`: what can be run by its name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from relayload.report.output import print_json
from relayload.verbs.arguments import JSON, author_errors_exit

if TYPE_CHECKING:
    from relayload.profile.ready import Ready


@click.command()
@JSON
@author_errors_exit
def command(as_json: bool) -> None:
    """List the ready profiles, which run by their names from anywhere: `relayload run quickstart`."""
    from relayload.profile.ready import listed

    profiles = listed()
    if as_json:
        print_json(profiles)
    else:
        click.echo(_lines(profiles), nl=False)
        click.echo("next: relayload run NAME, or a copy to edit: relayload init FILE --from NAME", err=True)


def _lines(profiles: "Sequence[Ready]") -> str:
    width = max(len(profile.name) for profile in profiles)
    return "".join(f"{profile.name:{width}}  {profile.title}\n" for profile in profiles)
