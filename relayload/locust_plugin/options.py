"""Our options on Locust's command line.

Locust imports the locustfile before it parses the command line, and the User classes are generated at import. So the
options are read twice, once by `read_options` and once by Locust, which refuses unknown ones. Its `--help` exits before
it imports a locustfile: `help_hook` adds ours, and `--relay-help` prints them where it can't.
"""

import math
import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relayload.locust_plugin.otlp_options import INTERVAL_S, LEAST_INTERVAL_S, MOST_INTERVAL_S, OtlpOptions

if TYPE_CHECKING:
    from relayload.locust_plugin.ordered_runs import OrderedRuns

LAUNCHER_PID = "RELAYLOAD_LAUNCHER_PID"
"""Set by `relayload run` to its own process id: it started this Locust, prints its results and ends with it."""

OWN_MESSAGE = "relayload: "
"""The prefix of lines in Locust's log that are meant for the user who started the run."""

VARIABLES = ("RELAYLOAD_", "LOCUST_RELAY_")
"""The prefixes of environment variables for our options: `RELAYLOAD_PROFILE`, `LOCUST_RELAY_PROFILE`."""

OPTIONS = (
    "PROFILE",
    "PROFILES",
    "SET",
    "OUT",
    "SECRET_FILE",
    "METRICS_PORT",
    "METRICS_HOST",
    "METRICS_LINGER",
    "OTLP",
    "OTLP_INTERVAL",
)

LOOPBACK = "127.0.0.1"


LINGER_S = 5.0
MOST_LINGER_S = 300.0
MOST_PORT = 65535


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Where to serve metrics for Prometheus, and for how long to keep the last state for one more scrape."""

    port: int
    """0 for any free one."""
    host: str = LOOPBACK
    linger_s: float = LINGER_S

    @property
    def arguments(self) -> list[str]:
        """The options as they stand on Locust's command line."""
        own = {"port": self.port, "host": self.host, "linger": self.linger_s}
        return [f"--relay-metrics-{name}={value}" for name, value in own.items()]


@dataclass(frozen=True, slots=True)
class Exports:
    """Who is told the metrics of a run while it goes on."""

    prometheus: MetricsOptions | None = None
    """None where no port is asked for."""
    otlp: OtlpOptions | None = None

    @property
    def arguments(self) -> list[str]:
        """The options as they stand on Locust's command line."""
        return [argument for one in (self.prometheus, self.otlp) if one is not None for argument in one.arguments]


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Where `relayload run` shows Locust's page."""

    port: int = 0
    """0 for any free one."""
    stays: bool = False
    """The page stays after the verdict."""
    profiles: Path | None = None
    """The folder whose profiles it offers then."""

    @property
    def arguments(self) -> list[str]:
        """What Locust's command line has instead of `--headless`."""
        ending = [] if self.stays else ["--autoquit", "0"]
        folder = [] if self.profiles is None else ["--relay-profiles", str(self.profiles)]
        return ["--autostart", "--web-port", str(self.port), *ending, *folder]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run. `out` is the run's directory, or None for a new one under `runs/`.

    `fakes` holds the base URLs of fake relays that run already, by the name of their target. `by_default` is true for
    the quickstart that runs because no profile was named.
    """

    profile: Path
    sets: tuple[str, ...] = ()
    out: Path | None = None
    launcher_pid: int | None = None
    fakes: Mapping[str, str] = field(default_factory=dict)
    by_default: bool = False
    ordered: "OrderedRuns | None" = None
    """The runs that the launcher orders one by one; None for those that Locust starts."""
    master: tuple[str, int] | None = None
    """Host and port of the master that is asked for its profile; None for a profile of one's own."""
    exports: Exports = Exports()
    profiles: Path | None = None
    """The folder whose profiles the page offers; None for the one profile alone."""
    secret_file: Path | None = None
    """The file of the join secret."""
    private: bool = False
    """Whether all workers are forked from this process."""


def add_options(parser: ArgumentParser, **_: Any) -> None:
    """Add our options to Locust's parser, which also reads config files and environment variables."""
    group = parser.add_argument_group(
        "relayload",
        "Each may also stand in a config file (relay-profile = FILE) or the environment (RELAYLOAD_PROFILE).",
    )
    group.add_argument(
        "--relay-profile",
        metavar="FILE",
        help="The traffic profile to run: a file, or the name of a ready one, such as quickstart.",
        **_variable("PROFILE"),
    )
    group.add_argument(
        "--relay-profiles",
        metavar="DIR",
        help="A folder of profiles, of which the web page may start any one by its name.",
        **_variable("PROFILES"),
    )
    group.add_argument(
        "--relay-set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="Override a value of the profile, such as load.stages.0.rate=5/s. May be repeated.",
        **_variable("SET"),
    )
    group.add_argument(
        "--relay-out",
        metavar="DIR",
        help="Directory of the recording; a new one under runs/.",
        **_variable("OUT"),
    )
    group.add_argument(
        "--relay-secret-file",
        metavar="FILE",
        help="The join secret that master and workers share; else it is in RELAYLOAD_JOIN_SECRET.",
        **_variable("SECRET_FILE"),
    )
    group.add_argument(
        "--relay-metrics-port",
        metavar="PORT",
        type=_port,
        help="Serve metrics of the run for Prometheus on this port, at /metrics; 0 for any free one.",
        **_variable("METRICS_PORT"),
    )
    group.add_argument(
        "--relay-metrics-host",
        metavar="ADDRESS",
        help=f"The address of that port; {LOOPBACK}.",
        **_variable("METRICS_HOST"),
    )
    group.add_argument(
        "--relay-metrics-linger",
        metavar="SECONDS",
        type=_linger,
        help=f"How long a run that has ended waits for one more scrape at most; {LINGER_S:g}.",
        **_variable("METRICS_LINGER"),
    )
    group.add_argument(
        "--relay-otlp",
        metavar="URL",
        help="Send metrics of the run to this collector by OTLP over HTTP, such as http://127.0.0.1:4318.",
        **_variable("OTLP"),
    )
    group.add_argument(
        "--relay-otlp-interval",
        metavar="SECONDS",
        type=_interval,
        help=f"How often; {INTERVAL_S:g}.",
        **_variable("OTLP_INTERVAL"),
    )
    group.add_argument(
        "--relay-help",
        action="help",
        help="Print this help, also where Locust's --help leaves before it knows these options.",
    )


def stay_on_loopback(parser: ArgumentParser, **_: Any) -> None:
    """Let Locust's page and master listen on loopback by default, since neither asks for a password."""
    parser.set_defaults(web_host=LOOPBACK, master_bind_host=LOOPBACK)


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MOST_PORT):
        raise ArgumentTypeError(f"{text!r} is no port: write a number from 0 to {MOST_PORT}")
    return int(text)


def _linger(text: str) -> float:
    return _seconds(text, 0, MOST_LINGER_S, "time to wait")


def _interval(text: str) -> float:
    return _seconds(text, LEAST_INTERVAL_S, MOST_INTERVAL_S, "interval")


def _seconds(text: str, least_s: float, most_s: float, what: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not least_s <= seconds <= most_s:
        raise ArgumentTypeError(f"{text!r} is no {what}: write seconds from {least_s:g} to {most_s:g}")
    return seconds


def _variable(option: str) -> dict[str, Any]:
    """Return the environment variable of an option: whichever of its two names is set."""
    own, locusts = (f"{prefix}{option}" for prefix in VARIABLES)
    return {"env_var": own if own in os.environ else locusts}
