"""`relayload capacity`: search for the highest rate, or the most users, that meet the objectives."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.locust_plugin.master_port import LOOPBACK
from relayload.verbs.arguments import JSON, PROFILE, SETS, author_errors_exit, keep_page, print_failure, print_value

if TYPE_CHECKING:
    from relayload.capacity.terms import WorstCase
    from relayload.core.capacity.terms import Terms
    from relayload.core.capacity.trial import Trial, Wanted
    from relayload.core.model.progress import Progress
    from relayload.locust_plugin.log_lines import Follower
    from relayload.locust_plugin.series import OtherHosts
    from relayload.profile import Profile
    from relayload.report.live import LiveDisplay


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the trials; a new one under runs/.")
@click.option("--resume", is_flag=True, help="Go on from the finished trials in --out.")
@click.option("--processes", type=click.IntRange(1), help="Load-generating processes on this machine; 1.")
@click.option("--expect-workers", type=click.IntRange(1), help="Wait for so many Locust workers of other hosts.")
@click.option("--master-bind-host", metavar="HOST", help="Where to listen to them: an address of this machine.")
@click.option("--master-bind-port", type=click.IntRange(1, 65535), help="The port for them; 5557.")
@click.option("--secret-file", type=click.Path(path_type=Path), help="The join secret that they share.")
@click.option("--recover", metavar="TIME", help="The longest wait for the relay to recover between trials; 60s.")
@click.option(
    "--over",
    type=click.Choice(["rate", "users"]),
    help="What to search over: the rate of an open load, or the users of a closed one; by the load of PROFILE.",
)
@click.option("--start", metavar="LEVEL", help="The first level to try, such as 20/s or 10 users; the profile's own.")
@click.option("--min", metavar="LEVEL", help="The lowest level to try; a 64th of the start unless told otherwise.")
@click.option("--max", metavar="LEVEL", help="The highest level to try; 32 times the start unless told otherwise.")
@click.option("--precision", metavar="SHARE", help="How near the levels that pass and fail come; 5%.")
@click.option("--at-least", metavar="LEVEL", help="Only prove or refute this one: exit 0 proven, 3 refuted, 4 neither.")
@click.option("--warmup", metavar="TIME", help="The least warm-up of a trial; 10s.")
@click.option("--trial", metavar="TIME", help="The least measured part of a trial; 30s.")
@click.option("--confirm", metavar="TIME", help="The least measured part of one that confirms a level; 120s.")
@click.option("--max-load", metavar="TIME", help="The most load of all trials together; 20m.")
@click.option("--max-trials", default=40, show_default=True, type=click.IntRange(1), help="The most trials.")
@JSON
@PROFILE
@SETS
@author_errors_exit
def command(
    profile: Path | None,
    sets: tuple[str, ...],
    out: Path | None,
    resume: bool,
    processes: int | None,
    expect_workers: int | None,
    master_bind_host: str | None,
    master_bind_port: int | None,
    secret_file: Path | None,
    recover: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Search for the highest rate at which PROFILE meets its objectives; for the most users, if its load is closed.

    LEVEL is a rate such as 20/s, or a number of users. Trials double it, and then halve the gap between one that passes
    and one that fails. A longer trial on fresh samples then proves the highest that passed. Each trial is a recording,
    and capacity.json has the answer.
    """
    if profile is None:
        raise click.UsageError("missing PROFILE: name a file, or a ready profile such as capacity-chat")
    if resume and out is None:
        raise click.UsageError("--resume goes with --out: name the directory of the search to go on with")
    if expect_workers is None and (master_bind_host or master_bind_port or secret_file):
        given = "--master-bind-host, --master-bind-port and --secret-file"
        raise click.UsageError(f"{given} go with --expect-workers: write how many")
    from relayload.capacity.terms import Options, check
    from relayload.profile.loading import load as load_profile
    from relayload.recording import new_run_dir

    loaded = load_profile(profile, sets)
    for caution in loaded.cautions:
        click.echo(str(caution), err=True)
    check(loaded, options["over"])
    other_hosts = _other_hosts(expect_workers, master_bind_host, master_bind_port, secret_file)
    own = (0 if other_hosts else 1) if processes is None else processes
    load = _Load(own, other_hosts, _recover_s(recover))
    terms, worst = _planned(loaded, profile, sets, Options(**options), load.recover_s)
    if out is not None:
        _check_directory(out, resume=resume)
    directory = out or new_run_dir(f"capacity-{loaded.name}")
    _make(directory)
    click.echo(_announced(loaded, terms, worst), err=True)
    if other_hosts is not None:
        click.echo(_invitation(other_hosts), err=True)
    sys.exit(_search(loaded, terms, profile, sets, directory, load, resume=resume, as_json=as_json))


@dataclass(frozen=True, slots=True)
class _Load:
    """What sends, and how long it waits between two trials."""

    processes: int
    other_hosts: "OtherHosts | None"
    recover_s: float


def _other_hosts(
    expect_workers: int | None, host: str | None, port: int | None, secret_file: Path | None
) -> "OtherHosts | None":
    from relayload.engine import join_secret
    from relayload.locust_plugin.series import OtherHosts

    if expect_workers is None:
        return None
    secured = join_secret.read(secret_file, {**os.environ}) is not None
    others = OtherHosts(expect_workers, host or LOOPBACK, port or _PORT, secret_file, secured)
    others.check()
    return others


_PORT = 5557
"""Locust's own."""


def _recover_s(written: str | None) -> float:
    from relayload.core.units import duration_s

    try:
        return 60.0 if written is None else duration_s(written)
    except ValueError as error:
        raise AuthorError([Fault(str(error), path="--recover")]) from None


def _invitation(other_hosts: "OtherHosts") -> str:
    from relayload.transport.origin import is_loopback

    expected = "1 worker" if other_hosts.expect_workers == 1 else f"{other_hosts.expect_workers} workers"
    own = " (this host alone: --master-bind-host names an address)" if other_hosts.bind_host == LOOPBACK else ""
    port = "" if other_hosts.bind_port == _PORT else f" --master-port {other_hosts.bind_port}"
    secret = " --relay-secret-file FILE" if other_hosts.secured else ""
    exposed = not (other_hosts.secured or is_loopback(other_hosts.bind_host))
    open_door = "; no join secret: whoever reaches that port can take part (--secret-file)" if exposed else ""
    return (
        f"waiting for {expected} of other hosts on {other_hosts.bind_host}:{other_hosts.bind_port}{own}; on each: "
        f'locust -f "$(relayload locustfile)" --worker --master-host {other_hosts.bind_host}{port}{secret}{open_door}'
    )


def _planned(
    profile: "Profile", file: Path, sets: Sequence[str], options: Any, recover_s: float
) -> "tuple[Terms, WorstCase]":
    """Return the terms, having seen that every trial can be judged. Raises AuthorError."""
    from msgspec.structs import replace

    from relayload.capacity.terms import samples_of, terms_of, worst_case
    from relayload.capacity.trial_profile import trial_sets
    from relayload.core.capacity.levels import Over
    from relayload.core.capacity.recovery import most_probes
    from relayload.core.capacity.trial import Purpose, Wanted
    from relayload.core.objectives.sample_forecast import Wording
    from relayload.profile.forecast import forecast
    from relayload.profile.loading import load

    terms = terms_of(profile, options)
    rate_per_s = terms.start  # of as many arrivals if it is users: what a request is does not depend on the load
    requests = min(max(terms.most_load_s * rate_per_s, _FORECAST_REQUESTS), _MOST_FORECAST_REQUESTS)
    for_s = max(terms.lengths.confirm_s, float(int(requests / rate_per_s) + 1))
    wanted = Wanted(purpose=Purpose.SEARCH, rate_per_s=rate_per_s, warmup_s=terms.lengths.warmup_s, measured_s=for_s)
    opened = ["load={kind: open}"] if terms.over is Over.USERS else []
    wording = Wording("the longest trial", "allow more load by --max-load", "begin higher by --start")
    planned = forecast(load(file, [*sets, *opened, *trial_sets(profile, wanted, 1)]), wording)
    decide, prove = samples_of(profile, planned)
    terms = replace(terms, lengths=replace(terms.lengths, decide=decide, prove=prove))
    return terms, worst_case(profile, terms, planned, most_probes(terms.most_trials, recover_s))


_FORECAST_REQUESTS, _MOST_FORECAST_REQUESTS = 20_000, 1_000_000
"""The requests of the trial by which the samples of each objective are told: enough for small shares, and counted in
seconds."""


def _check_directory(directory: Path, *, resume: bool) -> None:
    """Raise AuthorError if the directory holds a search that is not to be gone on with, or none that is."""
    from relayload.capacity.answer_file import FILE
    from relayload.recording import check_vacant

    check_vacant(directory)
    there = (directory / FILE).exists()
    if there and not resume:
        raise AuthorError([Fault("holds a search: add --resume to go on, or name another", file=str(directory))])
    if resume and not there:
        raise AuthorError([Fault(f"has no {FILE} to go on from", file=str(directory))])


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AuthorError([Fault(f"can't be written to: {error.strerror}", file=str(directory))]) from None


def _search(
    profile: "Profile",
    terms: "Terms",
    file: Path,
    sets: Sequence[str],
    directory: Path,
    load: "_Load",
    *,
    resume: bool,
    as_json: bool,
) -> int:
    """Search, print the answer and return the exit code."""
    from relayload.capacity.driver import Driver, Place, TrialFailed
    from relayload.capacity.page_file import NAME, page_of
    from relayload.engine.fake_relays import Fakes
    from relayload.locust_plugin.early import LOG_NAME
    from relayload.locust_plugin.log_lines import Follower, for_users
    from relayload.report.capacity import render_capacity
    from relayload.report.live import LiveDisplay

    fakes = Fakes(profile)
    with LiveDisplay(profile.name) as display:
        told = _Told(display, terms, Follower(directory / LOG_NAME, for_users))
        try:
            place = Place(file, sets, directory, load.processes, fakes.base_urls(), load.other_hosts, load.recover_s)
            driver = Driver(profile, terms, place, told)
            if resume:
                driver.resume()
            capacity = driver.search()
        except TrialFailed as failure:
            message = str(failure).strip()
            click.echo(message, err=True)
            code = failure.code if failure.code in set(ExitCode) else ExitCode.CRASH
            if as_json:
                print_failure(code, [Fault("; ".join(message.splitlines()) or "it ended without a word")])
            return code
        finally:
            fakes.stop()
    print_value(capacity, as_json, render_capacity)
    keep_page(directory / NAME, page_of(capacity, directory, directory))
    click.echo(f"trials: {directory}", err=True)
    return capacity.exit_code


class _Told:
    """Tells of the search on stderr: the bracket, each trial, what it came to, and what is left."""

    def __init__(self, display: "LiveDisplay", terms: "Terms", log: "Follower") -> None:
        self._display, self._terms, self._log = display, terms, log

    def begins(self, number: int, wanted: "Wanted", trials: "Sequence[Trial]") -> None:
        from relayload.report.capacity import trial_begins

        self._display.say(trial_begins(number, wanted, trials, self._terms.most_load_s))

    def ended(self, trial: "Trial") -> None:
        from relayload.report.capacity import trial_ended

        self._display.say(trial_ended(trial))

    def say(self, line: str) -> None:
        self._display.say(line)

    def watch(self, progress: "Progress | None") -> None:
        self._display.say(*self._log.lines())
        self._display.show(progress)


def _announced(profile: "Profile", terms: "Terms", worst: "WorstCase") -> str:
    from relayload.core.units import format_duration

    told = terms.over.told
    what = (
        f"whether it carries {told(terms.at_least)}"
        if terms.at_least is not None
        else f"its capacity, from {told(terms.lowest)} to {told(terms.highest)}"
    )
    return (
        f"{profile.name}: {what}; at worst {_trials(worst.trials)}, {format_duration(worst.load_s)} of load, "
        f"{_spent(worst)}; guardrails hold for the sum"
    )


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"


def _spent(worst: "WorstCase") -> str:
    from relayload.core.units import money

    usd = "an unknown cost" if worst.usd is None else f"${money(worst.usd)}"
    if worst.requests is None:
        return f"as many requests as its users make (bound them by guardrails.max_requests), {usd}"
    return f"{worst.requests:,} requests, {usd}"
