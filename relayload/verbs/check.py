"""`relayload check`: the plan before the run."""

from pathlib import Path

import click

from relayload.verbs.arguments import JSON, PROFILE, SETS, author_errors_exit, print_value


@click.command()
@PROFILE
@SETS
@JSON
@author_errors_exit
def command(profile: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Validate PROFILE and print its plan, without contacting anything."""
    from relayload.profile import load
    from relayload.profile.forecast import Forecast, forecast
    from relayload.report.plan import render_plan
    from relayload.report.screen import Screen

    def render(found: Forecast, screen: Screen) -> str:
        return render_plan(found, found.objectives, found.later_turns, found.notes, screen)

    print_value(forecast(load(profile, sets)), as_json, render)
