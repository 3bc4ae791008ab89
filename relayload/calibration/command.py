"""`relayload calibrate`: what this machine can generate and measure, before its numbers are trusted."""

import sys

import click

from relayload.core.exit_codes import ExitCode


@click.command()
@click.option(
    "--streams", default=500, show_default=True, type=click.IntRange(1, 100_000), help="Streams open at once."
)
@click.option(
    "--rate", "rate_per_s", default=500, show_default=True, type=click.IntRange(1, 100_000), help="Plain requests/s."
)
@click.option(
    "--seconds", "trial_s", default=5, show_default=True, type=click.IntRange(2, 600), help="How long a trial measures."
)
@click.option("--search/--no-search", default=True, help="Search for the highest rate and the most streams.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(streams: int, rate_per_s: int, trial_s: int, search: bool, as_json: bool) -> None:
    """Measure how well this machine measures, against a fake relay that knows the truth.

    Takes a minute or two. Exits with 4 if the streams or the rate asked for can't be generated here.
    """
    from relayload.calibration import CalibrationFailed, calibrate
    from relayload.report.calibration import render_calibration
    from relayload.report.output import print_value

    try:
        found = calibrate(streams, rate_per_s, trial_s, _report, search=search)
    except CalibrationFailed as failure:
        click.echo(str(failure), err=True)
        sys.exit(failure.code)
    print_value(found, as_json, render_calibration)
    if not found.sustained:
        sys.exit(ExitCode.UNPROVEN)


def _report(line: str) -> None:
    click.echo(line, err=True)
