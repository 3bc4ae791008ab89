"""Our options on Locust's command line.

Locust imports the locustfile before it parses the command line, and the User classes are generated at import: so
the options are read twice, once by peeking here and once by Locust, which refuses what
it does not know. (Its `--help` leaves before it imports a locustfile, so they don't show there.)
"""

import argparse
import os
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER_PID = "RELAYLOAD_LAUNCHER_PID"
"""Set by `relayload run`: the process that started this Locust, prints its results and takes it along."""

OWN_MESSAGE = "relayload: "
"""How a line begins that is meant for the person who started the run, among all that Locust logs."""

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was asked for. `out` is the run's directory, None for a new one under `runs/`.

    `fakes` are the base URLs of fake relays that run already, by the name of their target.
    """

    profile: Path
    sets: tuple[str, ...] = ()
    out: Path | None = None
    launcher_pid: int | None = None
    fakes: Mapping[str, str] = field(default_factory=dict)


def add_options(parser: ArgumentParser) -> None:
    """Add ours to a parser, Locust's own or another."""
    group = parser.add_argument_group("relayload")
    group.add_argument("--relay-profile", metavar="FILE", help="The traffic profile to run.")
    group.add_argument(
        "--relay-set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="Override a value of the profile, such as load.stages.0.rate=5/s. May be repeated.",
    )
    group.add_argument("--relay-out", metavar="DIR", help="Directory of the recording; a new one under runs/.")


def stay_on_loopback(parser: ArgumentParser) -> None:
    """Locust's page and master listen to this machine alone, unless told otherwise: neither asks for a password."""
    parser.set_defaults(web_host=_LOOPBACK, master_bind_host=_LOOPBACK)


def peek(default_profile: Path) -> Options:
    """Our options as this process was started with them; the environment fills in what is not given."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_options(parser)
    given, _ = parser.parse_known_args()
    profile = given.relay_profile or os.environ.get("RELAYLOAD_PROFILE")
    launcher = os.environ.get(LAUNCHER_PID)
    return Options(
        profile=Path(profile) if profile else default_profile,
        sets=tuple(given.relay_set),
        out=Path(given.relay_out) if given.relay_out else None,
        launcher_pid=int(launcher) if launcher else None,
    )
