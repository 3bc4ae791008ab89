"""`relayload check`: print the plan before the run."""

from pathlib import Path

import click

from relayload.verbs.arguments import JSON, author_errors_exit, print_value, tolerance_of
from relayload.verbs.profile_source import ProfileSource, profile_or_url


@click.command()
@click.option(
    "--noise",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Runs of the profile, as relayload noise made: warn where --tolerance is below what compare can prove.",
)
@click.option("--tolerance", default="10%", help="The tolerance of the comparison that is planned; 10% as in compare.")
@click.option("--repeat", default=6, type=click.IntRange(1), help="Its runs on each side; 6 unless told otherwise.")
@JSON
@author_errors_exit
@profile_or_url
def command(source: ProfileSource, noise: Path | None, tolerance: str, repeat: int, as_json: bool) -> None:
    """Validate PROFILE and print its plan, without contacting anything."""
    from relayload.profile.forecast import Forecast, forecast
    from relayload.report.plan import render_plan
    from relayload.report.screen import Screen

    def render(found: Forecast, screen: Screen) -> str:
        return render_plan(found, found.objectives, found.later_turns, found.notes, screen)

    found = forecast(source.load())
    if noise is not None:
        _warn_of_noise(noise, tolerance_of(tolerance), repeat)
    print_value(found, as_json, render)


def _warn_of_noise(runs: Path, tolerance: float, repeat: int) -> None:
    from relayload.core.comparison.compare import ENOUGH_RUNS
    from relayload.core.comparison.noise import undecidable
    from relayload.recording.sets import recordings
    from relayload.verbs.noise import noise_of

    told = noise_of(recordings([runs]), runs_a_side=[repeat])
    few = [f"{repeat} runs a side prove nothing: write --repeat {ENOUGH_RUNS}"] if repeat < ENOUGH_RUNS else []
    for warning in (*told.warnings, *few, *undecidable(told, tolerance, repeat)):
        click.echo(f"warning: {warning}", err=True)
