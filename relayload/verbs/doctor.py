"""`relayload doctor`: what is wrong with a target?"""

import sys
from functools import partial

import click

from relayload.verbs.arguments import JSON, author_errors_exit, print_value
from relayload.verbs.source import Source, profile_or_url

_NOT_USABLE = 6


@click.command()
@JSON
@click.option("-v", "--verbose", is_flag=True, help="Show every request that was sent, not only those with a problem.")
@author_errors_exit
@profile_or_url
def command(source: Source, as_json: bool, verbose: bool) -> None:
    """Ask the target of PROFILE a few questions and explain what is wrong, with the lines to change.

    Sends at most eighteen requests, one after the other: the first of each scenario, with a small budget. Exit code 0
    if it can be load-tested, 6 if not.
    """
    from relayload.doctor.text import render_diagnosis
    from relayload.doctor.visit import diagnose

    diagnosis = diagnose(source.load())
    print_value(diagnosis, as_json, partial(render_diagnosis, verbose=verbose))
    sys.exit(0 if diagnosis.usable else _NOT_USABLE)
