"""`relayload doctor`: find out what is wrong with a target."""

import sys
from functools import partial

import click

from relayload.core.exit_codes import ExitCode
from relayload.verbs.arguments import JSON, author_errors_exit, print_value
from relayload.verbs.debug_options import DebugOptions, with_debug_options
from relayload.verbs.profile_source import ProfileSource, profile_or_url


@click.command()
@JSON
@author_errors_exit
@with_debug_options
@profile_or_url
def command(source: ProfileSource, debug: DebugOptions, as_json: bool) -> None:
    """Ask the target of PROFILE a few questions and explain what is wrong, with the lines to change.

    Sends at most eighteen requests, one after the other: the first of each scenario, with a small budget. Exit code 0
    if it can be load-tested, 6 if not.
    """
    from relayload.doctor.diagnose import diagnose
    from relayload.doctor.text import render_diagnosis

    profile = source.load()
    debug.log_here()
    debug.begin()
    diagnosis = diagnose(profile, debug.http_log())
    print_value(diagnosis, as_json, partial(render_diagnosis, verbose=debug.verbose))
    sys.exit(ExitCode.PASS if diagnosis.usable else ExitCode.UNREACHABLE)
