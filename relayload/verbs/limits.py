"""`relayload limits`: find the limits that a key at a relay really has."""

import sys
from pathlib import Path
from typing import Any

import click

from relayload.core.exit_codes import ExitCode
from relayload.verbs.arguments import (
    HTML,
    JSON,
    PROFILE,
    SETS,
    author_errors_exit,
    print_failure,
    print_value,
    write_page,
)
from relayload.verbs.debug_options import DebugOptions, with_debug_options
from relayload.verbs.measuring import write_json


@click.command()
@click.option("--target", "target_name", metavar="NAME", help="Which of several targets is asked.")
@click.option("--max-requests", metavar="N", help="The most requests to send, refused ones included; 3000.")
@click.option("--max-tokens", metavar="N", help="The most tokens to use, of input and output; 1M.")
@click.option("--max-usd", metavar="$N", help="The most dollars to spend, where prices are known; $1.")
@click.option("--max-time", metavar="TIME", help="The longest time to ask and wait; 10m.")
@click.option("--max-at-once", metavar="N", help="The most requests in flight; 64.")
@click.option("--no-tokens", is_flag=True, help="Don't look for limits of tokens, which takes long prompts.")
@click.option("--out", type=click.Path(path_type=Path), help="Write what was found to this file, such as limits.json.")
@HTML
@JSON
@author_errors_exit
@with_debug_options
@PROFILE
@SETS
def command(
    profile: Path | None,
    sets: tuple[str, ...],
    target_name: str | None,
    no_tokens: bool,
    out: Path | None,
    html: Path | None,
    debug: DebugOptions,
    as_json: bool,
    **options: Any,
) -> None:
    """Find the limits that a key at the target of PROFILE really has, by asking.

    Sends small requests until some are refused, and a few more to find out why: size, length and kind of each window of
    requests or tokens, how many may be in flight, and whether headers say so. Prints the quota for a profile.
    """
    if profile is None:
        raise click.UsageError("missing PROFILE: name a file, or a ready profile such as rpm-cap")
    from relayload.limits.caps import Options, caps_of, chosen
    from relayload.limits.session import Session
    from relayload.profile.loading import load
    from relayload.report.limits import render_limits
    from relayload.transport.probe_client import TargetUnreachable

    loaded = load(profile, sets)
    for caution in loaded.cautions:
        click.echo(str(caution), err=True)
    name, target = chosen(loaded, target_name)
    caps = caps_of(loaded, target, Options(**options))
    click.echo(f"{loaded.name}: the limits of {target.base_url}; {caps}", err=True)
    debug.log_here()
    debug.begin()
    session = Session(
        loaded, name, target, caps, not no_tokens, debug.http_log(), lambda line: click.echo(line, err=True)
    )
    try:
        found = session.search()
    except TargetUnreachable as unreachable:
        _unreachable(str(unreachable), as_json=as_json)
    if out is not None:
        write_json(out, found)
    if html is not None:
        from relayload.report.html.limits_page import render_limits_page

        write_page(html, render_limits_page(found))
    print_value(found, as_json, render_limits)
    sys.exit(found.exit_code)


def _unreachable(message: str, *, as_json: bool) -> None:
    from relayload.core.errors import Fault

    click.echo(message, err=True)
    if as_json:
        print_failure(ExitCode.UNREACHABLE, [Fault(message)])
    sys.exit(ExitCode.UNREACHABLE)
