"""`relayload check`: print the plan before the run."""

import click

from relayload.verbs.arguments import JSON, author_errors_exit, print_value
from relayload.verbs.profile_source import ProfileSource, profile_or_url


@click.command()
@JSON
@author_errors_exit
@profile_or_url
def command(source: ProfileSource, as_json: bool) -> None:
    """Validate PROFILE and print its plan, without contacting anything."""
    from relayload.profile.forecast import Forecast, forecast
    from relayload.report.plan import render_plan
    from relayload.report.screen import Screen

    def render(found: Forecast, screen: Screen) -> str:
        return render_plan(found, found.objectives, found.later_turns, found.notes, screen)

    print_value(forecast(source.load()), as_json, render)
