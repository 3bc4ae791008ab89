"""`relayload check`: print the plan before the run."""

from pathlib import Path

import click

from relayload.verbs.arguments import JSON, TOLERANCE, author_errors_exit, print_value, tolerance_of
from relayload.verbs.profile_source import ProfileSource, profile_or_url


@click.command()
@click.option(
    "--noise",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Runs of the profile, as relayload noise made: warn where --tolerance is below what compare can prove.",
)
@click.option("--tolerance", help="With --noise: that of the comparison that is planned; 10% as in compare.")
@click.option("--repeat", type=click.IntRange(1), help="With --noise: its runs on each side; 6 unless told otherwise.")
@JSON
@author_errors_exit
@profile_or_url
def command(
    source: ProfileSource, noise: Path | None, tolerance: str | None, repeat: int | None, as_json: bool
) -> None:
    """Validate PROFILE and print its plan, without contacting anything."""
    from relayload.profile.forecast import Forecast, forecast
    from relayload.report.plan import render_plan
    from relayload.report.screen import Screen

    def render(found: Forecast, screen: Screen) -> str:
        return render_plan(found, found.objectives, found.later_turns, found.notes, screen)

    for name, value in (("--tolerance", tolerance), ("--repeat", repeat)):
        if value is not None and noise is None:
            raise click.UsageError(f"{name} needs --noise DIR, the runs that tell how much is noise")
    loaded = source.load()
    found = forecast(loaded)
    if noise is not None:
        _tell_noise(noise, loaded.sha256, tolerance_of(tolerance or TOLERANCE), repeat or 6)
    print_value(found, as_json, render)


def _tell_noise(directory: Path, profile_sha256: str, tolerance: float, repeat: int) -> None:
    """Print what a comparison with these runs could not decide, or that it could decide everything."""
    from relayload.core.comparison.compare import ENOUGH_RUNS
    from relayload.core.comparison.noise import undecidable
    from relayload.recording.sets import recordings
    from relayload.verbs.noise import noise_of

    runs = recordings([directory])
    told = noise_of(runs, runs_a_side=[repeat])
    others = sum(each.run.profile.sha256 != profile_sha256 for each in runs)
    foreign = [f"{others} of the {len(runs)} runs in {directory} are of another profile"] if others else []
    few = [f"{repeat} runs a side prove nothing: write --repeat {ENOUGH_RUNS}"] if repeat < ENOUGH_RUNS else []
    warnings = [*told.warnings, *foreign, *few, *undecidable(told, tolerance, repeat)]
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if not warnings:
        click.echo(f"noise: {repeat} runs a side can tell {tolerance * 100:.3g}% of each measure from noise", err=True)
