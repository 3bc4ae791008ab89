"""`relayload overhead`: measure what a relay adds to the direct way."""

import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relayload.core.errors import AuthorError, Fault
from relayload.verbs.arguments import (
    HTML,
    JSON,
    PROFILE,
    SETS,
    author_errors_exit,
    keep_page,
    print_failure,
    print_value,
    write_page,
    write_text,
)
from relayload.verbs.measuring import Told, check_empty, write_json

if TYPE_CHECKING:
    from relayload.core.overhead.findings import Overhead
    from relayload.core.overhead.phase import Names
    from relayload.locust_plugin.runs_in_turn import Place
    from relayload.overhead.options import Terms
    from relayload.overhead.paired_profile import PairedProfile
    from relayload.overhead.process_meter import ProcessMeter
    from relayload.profile import Profile

_FILE_NAME = "overhead.yaml"
_WITH_DIRECT = {
    "relays": "--relay",
    "model": "--model",
    "prompt": "--prompt",
    "max_tokens": "--max-tokens",
    "stream": "--stream/--no-stream",
    "answer_seed": "--answer-seed",
    "key_variables": "--api-key-env",
    "allow_hosts": "--allow-host",
    "max_requests": "--max-requests",
    "max_usd": "--max-usd",
    "prices": "--prices",
}


@click.command()
@click.option("--direct", metavar="URL", help="The base URL of the direct way.")
@click.option("--relay", "relays", multiple=True, metavar="[NAME=]URL", help="That of a relay. May be repeated.")
@click.option("--reference", metavar="NAME", help="The target of PROFILE that is the direct way; the first one.")
@click.option("--model", metavar="NAME", help="The model to ask for; o3.")
@click.option("--prompt", metavar="TEXT|FILE", help="A text, a file of prompts, or a built-in set; simple.")
@click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="The budget of an answer; 32.")
@click.option("--stream/--no-stream", default=None, help="Whether answers are streamed; they are by default.")
@click.option("--answer-seed", type=int, metavar="N", help="Ask for the same answers again: only they show lost text.")
@click.option(
    "--api-key-env",
    "key_variables",
    multiple=True,
    metavar="[NAME=]VARIABLE",
    help="The variable with the key of the target NAME (direct, relay …), or of all; without it the key is sk-fake.",
)
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="HOST", help="Load may go to this host.")
@click.option("--max-requests", type=click.IntRange(1), metavar="N", help="The most requests to send.")
@click.option("--max-usd", metavar="$N", help="The most dollars to spend.")
@click.option("--prices", metavar="LIST|IN/OUT", help="What tokens cost: a price list, or dollars per million, as 2/8.")
@click.option(
    "--pairs", type=click.IntRange(2, 100_000), metavar="N", help="Pairs one at a time; as 40s allow, or 400."
)
@click.option("--held", metavar="RATE", help="The rate that the slowest holds, such as 40/s, instead of a search.")
@click.option("--load-for", metavar="TIME", help="How long each phase under load lasts; 20s, up to 60s for 400 pairs.")
@click.option("--no-load", is_flag=True, help="Only send one request at a time.")
@click.option("--relay-pid", "pids", multiple=True, metavar="[NAME=]PID", help="The relay's process on this machine.")
@click.option("--relay-port", "ports", multiple=True, metavar="[NAME=]PORT", help="The port where it listens here.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory of the runs and results; a new one under runs/."
)
@click.option(
    "--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it as Markdown."
)
@HTML
@JSON
@PROFILE
@SETS
@author_errors_exit
def command(
    profile: Path | None,
    sets: tuple[str, ...],
    direct: str | None,
    reference: str | None,
    pairs: int | None,
    held: str | None,
    load_for: str | None,
    no_load: bool,
    pids: tuple[str, ...],
    ports: tuple[str, ...],
    out: Path | None,
    markdown: Path | None,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure what relays add to the direct way: latency, TTFT, chunk gaps, lost chunks, errors, CPU and memory.

    Sends the same requests to each: first directly and directly again, which tells what can be measured at all; then
    one at a time; then at 25, 50 and 75 % of the rate that the slowest holds. PROFILE names several targets instead.
    """
    from relayload.overhead.options import terms_of
    from relayload.recording import new_run_dir

    given = {name: value for name, value in options.items() if value not in (None, ())}
    _check_arguments(profile, direct, reference, given)
    terms = terms_of(pairs, held, load_for, loaded=not no_load)
    paired = _paired(profile, sets, direct, reference, given)
    loaded = _loaded(paired)
    meters = _meters(paired.names, pids, ports)
    if out is not None:
        check_empty(out)
    directory = out or new_run_dir(f"overhead-{loaded.name}")
    file = directory / _FILE_NAME
    write_text(file, _text_of(paired))
    click.echo(_announced(loaded, paired, terms), err=True)
    sys.exit(_measure(loaded, paired, terms, file, meters, markdown=markdown, html=html, as_json=as_json))


def _check_arguments(
    profile: Path | None, direct: str | None, reference: str | None, given: Mapping[str, object]
) -> None:
    """Raise click's UsageError if both ways to name targets are mixed, or neither is used."""
    if profile is None:
        if direct is None or "relays" not in given:
            raise click.UsageError("write --direct URL --relay URL, or name a PROFILE with several targets")
        if reference is not None:
            raise click.UsageError("--reference goes with a PROFILE; --direct is the reference here")
    elif direct is not None or given:
        named = "--direct" if direct is not None else _WITH_DIRECT[next(iter(given))]
        raise click.UsageError(f"{named} goes without a PROFILE, which says that itself (--set changes it)")


def _paired(
    profile: Path | None, sets: Sequence[str], direct: str | None, reference: str | None, given: Mapping[str, Any]
) -> "PairedProfile":
    if profile is None:
        from relayload.overhead.asked import Asked

        assert direct is not None, "it was checked"
        return Asked(direct=direct, **given).profile(sets)
    from relayload.overhead.paired_profile import from_profile
    from relayload.profile.loading import load
    from relayload.profile.ready_profiles import find

    loaded = load(profile, sets)
    for caution in loaded.cautions:
        click.echo(str(caution), err=True)
    return from_profile(find(profile), loaded, reference, sets)


def _text_of(paired: "PairedProfile") -> str:
    from relayload.document import Document
    from relayload.profile.from_options import elsewhere, text_of
    from relayload.verbs.profile_source import command_line

    return text_of(elsewhere(Document(paired.data, ""), Path.cwd()), command_line())


def _loaded(paired: "PairedProfile") -> "Profile":
    """Return the profile as every process will read it, having seen that it is sound. Raises AuthorError."""
    import tempfile

    from relayload.profile.loading import load

    with tempfile.TemporaryDirectory(prefix="relayload-overhead-") as folder:
        file = Path(folder) / _FILE_NAME
        file.write_text(_text_of(paired), encoding="utf-8")
        try:
            return load(file, [*paired.sets, "load={kind: batch, requests: 1}"])
        except AuthorError as error:
            raise AuthorError(_in_options(error.faults, paired)) from None


def _in_options(faults: Iterable[Fault], paired: "PairedProfile") -> list[Fault]:
    """Return faults of the profile that options stand for at their options, and each once."""
    from dataclasses import replace

    if "extends" in paired.data:
        return list(faults)
    names = paired.names
    options = {f"targets.{names.direct}.": "--direct", "guardrails": "--direct"}
    options |= {f"targets.{name}.": f"--relay {name}" for name in names.relays}
    found = []
    for fault in faults:
        if not fault.path.startswith(f"targets.{names.again}."):
            option = next((option for path, option in options.items() if fault.path.startswith(path)), fault.path)
            found.append(replace(fault, file="", line=0, column=0, path=option, message=_remedied(fault.message)))
    return list(dict.fromkeys(found))


def _remedied(message: str) -> str:
    """Return a message with the remedy in guardrails worded as options."""
    told, write, remedy = message.partition("write ")
    if not any(word in remedy for word, _ in _REMEDIES):
        return message
    for word, option in _REMEDIES:
        remedy = remedy.replace(word, option)
    return f"{told}{write}{remedy.translate(_NO_BRACES)}"


_REMEDIES = (
    ("guardrails: ", ""),
    ("allow_hosts: ", "--allow-host "),
    ("max_requests: ", "--max-requests "),
    ("max_usd: $", "--max-usd "),
)
_NO_BRACES = str.maketrans("", "", "{}[],")


def _meters(names: "Names", pids: Sequence[str], ports: Sequence[str]) -> "dict[str, ProcessMeter]":
    """Return what measures the processes of targets by name. Raises AuthorError."""
    if not pids and not ports:
        return {}
    from relayload.overhead.process_meter import ProcessMeter, pid_of_port

    found: dict[str, ProcessMeter] = {}
    for option, written in [*(("--relay-pid", each) for each in pids), *(("--relay-port", each) for each in ports)]:
        name, number = _numbered(names, option, written)
        found[name] = ProcessMeter(number if option == "--relay-pid" else pid_of_port(number))
    return found


def _numbered(names: "Names", option: str, written: str) -> tuple[str, int]:
    name, equals, number = written.rpartition("=")
    known = (names.direct, *names.relays)
    if not number.isascii() or not number.isdecimal():
        raise AuthorError([Fault(f"expected a number, or NAME=NUMBER, got '{written}'", path=option)])
    if not equals and len(names.relays) > 1:
        raise AuthorError([Fault(f"there are several relays: write NAME={number}", path=option)])
    if equals and name not in known:
        raise AuthorError([Fault(f"there is no target '{name}': expected one of {', '.join(known)}", path=option)])
    return name or names.relays[0], int(number)


def _announced(profile: "Profile", paired: "PairedProfile", terms: "Terms") -> str:
    """Return what will be sent, and what it costs as far as that is known."""
    from relayload.core.units import format_usd
    from relayload.overhead.options import at_most_requests, loaded_requests
    from relayload.profile.plan import plan

    names = paired.names
    targets = 2 + len(names.relays)
    requests = at_most_requests(terms, targets)
    total = plan(profile).total
    usd = None if total is None or total.max_usd is None else total.max_usd / total.arrivals
    told = [f"at most {requests:,} requests one at a time"]
    if terms.held_per_s is not None:
        more = loaded_requests(terms, terms.held_per_s, targets)
        requests += more
        told.append(f"about {more:,} under load")
    elif terms.loaded:
        told.append(f"then short trials of growing rates, and {targets} requests for each arrival under load")
    cost = "an unknown cost" if usd is None else f"up to {format_usd(usd)} a request"
    urls = ", ".join(f"{name} {profile.named_targets[name].base_url}" for name in (names.direct, *names.relays))
    return f"{profile.name}: {urls}; {'; '.join(told)}; {cost}; --max-requests and --max-usd bound the sum"


def _measure(
    profile: "Profile",
    paired: "PairedProfile",
    terms: "Terms",
    file: Path,
    meters: "Mapping[str, ProcessMeter]",
    *,
    markdown: Path | None,
    html: Path | None,
    as_json: bool,
) -> int:
    """Measure, print and write the result, and return the exit code."""
    from relayload.locust_plugin.runs_in_turn import NotMeasured, Place
    from relayload.overhead.measurement import Measurement
    from relayload.report.html.overhead_page import render_overhead_page
    from relayload.report.live import LiveDisplay
    from relayload.report.overhead import render_overhead, render_overhead_markdown

    fakes = _Fakes(profile, paired.names)
    with LiveDisplay(f"overhead of {', '.join(paired.names.relays)}") as display:
        try:
            place = Place(file, paired.sets, file.parent, fakes.base_urls())
            measurement = Measurement(profile, paired.names, terms, place, Told(display), meters)
            found = measurement.measure(_about(profile, paired.names, place))
        except NotMeasured as failure:
            click.echo(str(failure), err=True)
            if as_json:
                print_failure(failure.code, [Fault(str(failure))])
            return failure.code
        finally:
            fakes.stop()
    write_json(file.parent / "overhead.json", found)
    print_value(found, as_json, render_overhead)
    if markdown is not None:
        write_text(markdown, render_overhead_markdown(found))
    page = render_overhead_page(found)
    keep_page(file.parent / "report.html", page)
    if html is not None:
        write_page(html, page)
    click.echo(f"runs: {file.parent}", err=True)
    return found.exit_code


def _about(profile: "Profile", names: "Names", place: "Place") -> "Overhead":
    """Return what is known before anything was sent."""
    from relayload import __version__
    from relayload.core.overhead.findings import Overhead

    shown = (names.direct, *names.relays)
    return Overhead(
        direct=names.direct,
        targets={name: place.fakes.get(name) or profile.named_targets[name].base_url for name in shown},
        profile=profile.name,
        profile_sha256=profile.sha256,
        models=tuple(dict.fromkeys(model for each in profile.scenarios.values() for model in each.models)),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"relayload": __version__, "python": platform.python_version()},
        platform=platform.platform(),
    )


class _Fakes:
    """The fake relays of the targets; that of the direct way serves it again, too."""

    def __init__(self, profile: "Profile", names: "Names") -> None:
        from relayload.engine.fake_relays import Fakes
        from relayload.profile.loading import overridden

        self._fakes, self._names = Fakes(overridden(profile, [f"targets.{names.again}=null"])), names

    def base_urls(self) -> dict[str, str]:
        urls = self._fakes.base_urls()
        direct = urls.get(self._names.direct)
        return urls if direct is None else {**urls, self._names.again: direct}

    def stop(self) -> None:
        self._fakes.stop()
