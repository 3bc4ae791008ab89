"""Reads our options from the command line, config files and environment that this Locust was started with.

None may be ignored: a user who names a profile in the wrong place would otherwise see the quickstart pass.
"""

from locust.argument_parser import get_parser

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from relayload.document.validation import nearest
from relayload.locust_plugin.options import (
    LAUNCHER_PID,
    LINGER_S,
    LOOPBACK,
    OPTIONS,
    VARIABLES,
    Exports,
    MetricsOptions,
    Options,
)
from relayload.locust_plugin.otlp_options import WrongOtlp, otlp_options
from relayload.transport.origin import is_loopback

_QUICKSTART = "quickstart"
_YAML = (".yaml", ".yml")
_NO_PROFILE = (
    "no profile is named: write --relay-profile FILE (in a locust.conf relay-profile = FILE, in the environment "
    "RELAYLOAD_PROFILE=FILE), or --relay-profile quickstart to try the fake relay"
)
_SENT = (
    'a worker runs no locustfile that it is sent: install relayload on its host, and write -f "$(relayload locustfile)"'
)
_NOTHING_TO_SET = "--relay-set needs --relay-profile: without one, a worker takes the profile of its master as it is"

_NO_METRICS = "--relay-metrics-host and --relay-metrics-linger need --relay-metrics-port PORT"


class Refused(Exception):
    """The options are wrong; the message says what to write instead."""


def read_options(own_profile: Path | None = None) -> Options:
    """Return the options of this process; our own must have been added to Locust's parser before.

    `own_profile` is the profile that the locustfile names itself, if nothing else names one. Without any, a worker asks
    its master, the page offers the quickstart, and a run that would start by itself is refused. Raises Refused.
    """
    launcher = os.environ.get(LAUNCHER_PID)
    given = _launched() if launcher else _given()
    if given.worker and any(map(_sent, given.locustfile.split(","))):
        raise Refused(_SENT)
    own = given.relay_profile or own_profile
    if not own and given.worker and given.relay_set:
        raise Refused(_NOTHING_TO_SET)
    if not own and not given.worker and _unattended(given):
        raise Refused(_NO_PROFILE)
    return Options(
        profile=Path(own or _QUICKSTART),
        sets=tuple(given.relay_set),
        out=Path(given.relay_out) if given.relay_out else None,
        launcher_pid=int(launcher) if launcher else None,
        by_default=not own and not given.worker,
        exports=_exports(given, heed=not launcher),
        profiles=_folder(given.relay_profiles),
        secret_file=Path(given.relay_secret_file) if given.relay_secret_file else None,
        private=bool(given.processes) and not given.worker and is_loopback(given.master_bind_host),
        master=(given.master_host, given.master_port) if given.worker and not own else None,
    )


def _exports(given: Namespace, *, heed: bool) -> Exports:
    """Return who is told the metrics; `heed` says whether the environment alone may ask for it."""
    own = heed and not getattr(given, "otel", False)  # with which they go to Locust's own exporter
    try:
        otlp = otlp_options(given.relay_otlp, given.relay_otlp_interval, os.environ, heed=own)
    except WrongOtlp as error:
        raise Refused(f"--relay-otlp: {error}") from None
    return Exports(_metrics(given), otlp)


def _metrics(given: Namespace) -> MetricsOptions | None:
    port, host, linger_s = given.relay_metrics_port, given.relay_metrics_host, given.relay_metrics_linger
    if port is None and (host is not None or linger_s is not None):
        raise Refused(_NO_METRICS)
    if port is None:
        return None
    return MetricsOptions(port, host or LOOPBACK, LINGER_S if linger_s is None else linger_s)


def _folder(named: str | None) -> Path | None:
    if not named:
        return None
    if not Path(named).is_dir():
        raise Refused(f"--relay-profiles {named}: is no directory: name one with profiles in it")
    return Path(named)


def _launched() -> Namespace:
    """Parse the command line alone, on which `relayload run` passes everything."""
    return _parsed(config_file_contents="", env_vars={})


def _given() -> Namespace:
    _refuse_variables(os.environ)
    given = _parsed()
    for label, line in _labels(given):
        if refusal := label_refusal(label, line, given.relay_profile):
            raise Refused(refusal)
    return given


def label_refusal(label: str, line: str, profile: str | None) -> str | None:
    """Return the refusal of a label of Locust's, written as `line`, that names another profile; else None."""
    if not _names_a_file(label) or (profile and Path(label).resolve() == Path(profile).resolve()):
        return None
    return f"{line} only sets the label that Locust shows for the run: write --relay-profile {label}"


def _parsed(**sources: Any) -> Namespace:
    given, _ = get_parser().parse_known_args(**sources)
    assert isinstance(given, Namespace)
    return given


def _refuse_variables(environ: Mapping[str, str]) -> None:
    """Refuse a variable that nothing reads, and two that contradict each other."""
    own, locusts = VARIABLES
    for name in environ:
        if name.startswith(locusts) and name.removeprefix(locusts) not in OPTIONS:
            raise Refused(f"{name}: unknown variable{nearest(name, [f'{locusts}{option}' for option in OPTIONS])}")
    for option in OPTIONS:
        values = {environ[prefix + option] for prefix in VARIABLES if prefix + option in environ}
        if len(values) > 1:
            raise Refused(f"{own}{option} and {locusts}{option} differ: unset one of them")


def _labels(given: Namespace) -> Iterator[tuple[str, str]]:
    """Yield the profiles named by Locust's own options, with the option as written."""
    if given.profile:
        yield given.profile, f"--profile {given.profile}"
    if label := os.environ.get("LOCUST_PROFILE"):
        yield label, f"LOCUST_PROFILE={label}"


def _names_a_file(label: str) -> bool:
    return label.endswith(_YAML) or Path(label).is_file()


def _unattended(given: Namespace) -> bool:
    """Return whether the run starts without a user who has read the page."""
    return bool((given.headless and not given.headful) or given.autostart)


def _sent(locustfile: str) -> bool:
    """Return whether a locustfile comes from the master or from an address."""
    return locustfile.strip() == "-" or "://" in locustfile
