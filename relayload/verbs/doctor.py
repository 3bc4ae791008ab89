"""`relayload doctor`: what is wrong with a target?"""

import sys
from functools import partial

import click

from relayload.core.exit_codes import ExitCode
from relayload.verbs.arguments import JSON, author_errors_exit, print_value
from relayload.verbs.source import Source, profile_or_url
from relayload.verbs.watching import Watching, watched


@click.command()
@JSON
@author_errors_exit
@watched
@profile_or_url
def command(source: Source, watching: Watching, as_json: bool) -> None:
    """Ask the target of PROFILE a few questions and explain what is wrong, with the lines to change.

    Sends at most eighteen requests, one after the other: the first of each scenario, with a small budget. Exit code 0
    if it can be load-tested, 6 if not.
    """
    from relayload.doctor.text import render_diagnosis
    from relayload.doctor.visit import diagnose

    profile = source.load()
    watching.log_here()
    watching.begin()
    diagnosis = diagnose(profile, watching.http_log())
    print_value(diagnosis, as_json, partial(render_diagnosis, verbose=watching.verbose))
    sys.exit(ExitCode.PASS if diagnosis.usable else ExitCode.UNREACHABLE)
