"""Where a verb gets its profile from: a file, or options that stand for one.

`profile_or_url` replaces PROFILE, `--set` and the options below by one argument of the verb, `source`.
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.wire.request import Endpoint
from relayload.verbs.arguments import PROFILE, SETS

if TYPE_CHECKING:
    from relayload.document import Document
    from relayload.profile import Profile
    from relayload.profile.from_options import ProfileOptions

FILE_NAME = "one-liner.yaml"
"""The file in the directory of a run for the profile that its options stand for."""
_DOCTORS_OWN = MappingProxyType({"rate": "1/s", "for_": "1m"})
"""Defaults for a visit, which does not depend on the load although a profile must have one."""
_AS_SETS = MappingProxyType(
    {
        "model": "scenarios.NAME.model=…",
        "rate": "load.stages.0.rate=…",
        "users": "load.users=…",
        "for_": "load.stages.0.for=…",
        "objectives": "'objectives=[…]'",
        "prompt": "scenarios.NAME.prompt=…",
        "input_tokens": "scenarios.NAME.input_tokens=…",
        "max_tokens": "scenarios.NAME.max_output_tokens=…",
        "stream": "scenarios.NAME.stream=…",
        "endpoint": "scenarios.NAME.endpoint=…",
        "api_key_env": "'target.api_key=${env:NAME}'",
        "headers": "target.headers.NAME=…",
        "allow_hosts": "'guardrails.allow_hosts=[…]'",
        "max_requests": "guardrails.max_requests=…",
        "max_usd": "guardrails.max_usd=…",
        "prices": "target.prices=…",
    }
)
"""What to write after `--set` instead of an option, for a profile in a file."""
_OPTIONS = (
    click.option("--url", metavar="URL", help="No PROFILE: send to this base URL what the options below say."),
    click.option("--model", metavar="NAME", help="The model to ask for."),
    click.option("--rate", metavar="RATE", help="Open load: so many requests come, such as 5/s or 300/min."),
    click.option("--users", type=click.IntRange(1), metavar="N", help="Closed load instead: so many at a time."),
    click.option("--for", "for_", metavar="TIME", help="How long, such as 1m."),
    click.option(
        "--objective",
        "objectives",
        multiple=True,
        metavar="TEXT",
        help="What must hold, such as 'ttft.p95 < 800ms'. May be repeated.",
    ),
    click.option("--prompt", metavar="TEXT|FILE", help="A text, a file of prompts, or a built-in set (simple)."),
    click.option("--input-tokens", type=click.IntRange(1), metavar="N", help="Prompts of so many tokens."),
    click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="The budget of an answer."),
    click.option("--stream/--no-stream", default=None, help="Whether answers are streamed; they are by default."),
    click.option("--endpoint", type=click.Choice([each.value for each in Endpoint]), help="What is asked for (chat)."),
    click.option("--api-key-env", metavar="NAME", help="The variable that holds the key (OPENAI_API_KEY)."),
    click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Sent too. May be repeated."),
    click.option("--allow-host", "allow_hosts", multiple=True, metavar="HOST", help="Load may go to this host."),
    click.option("--max-requests", type=click.IntRange(1), metavar="N", help="The most requests to send."),
    click.option("--max-usd", metavar="$N", help="The most dollars to spend."),
    click.option(
        "--prices", metavar="LIST|IN/OUT", help="What tokens cost: a price list, or dollars per million, such as 2/8."
    ),
    click.option("--print-profile", is_flag=True, help="Print the YAML that these options stand for, and exit."),
)


def profile_or_url(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the arguments that name a profile, as `source`."""

    @wraps(verb)
    def with_source(*, profile: Path | None, sets: tuple[str, ...], print_profile: bool, **options: Any) -> None:
        values = {name: options.pop(name) for name in ("url", *_AS_SETS)}
        source = _source(profile, sets, values, print_profile=print_profile)
        if print_profile:
            source.print()
        verb(source=source, **options)

    for option in reversed(_OPTIONS):
        with_source = option(with_source)
    return PROFILE(SETS(with_source))


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """A profile to read: from a file, or made of options."""

    profile: Path | None
    sets: tuple[str, ...]
    options: "ProfileOptions | None" = None

    def load(self) -> "Profile":
        """Load the profile and print its warnings on stderr. Raises AuthorError with every fault."""
        profile = self._loaded()
        for caution in profile.cautions:
            click.echo(str(caution), err=True)
        if self.options is not None and (unset := self.options.unset_key(os.environ)):
            click.echo(f"warning: {unset}", err=True)
        return profile

    def _loaded(self) -> "Profile":
        from relayload.profile.loading import load, load_document

        if self.profile is not None:
            return load(self.profile, self.sets)
        document = self._document()
        try:
            return load_document(document, Path(FILE_NAME))
        except AuthorError as error:
            raise AuthorError(list(_in_options(error.faults, document))) from None

    @property
    def file(self) -> Path:
        """The path of the profile. One made of options has no file until there is a run."""
        return self.profile or Path(FILE_NAME)

    @property
    def own_sets(self) -> tuple[str, ...]:
        """The overrides that are not in the file."""
        return () if self.profile is None else self.sets

    def written_to(self, run_dir: Path) -> tuple[Path, tuple[str, ...]]:
        """Return the file for another process, and the overrides that are not in it yet. Raises AuthorError."""
        if self.profile is not None:
            return self.profile, self.sets
        from relayload.profile.from_options import elsewhere, text_of
        from relayload.verbs.arguments import write_text

        write_text(run_dir / FILE_NAME, text_of(elsewhere(self._document(), Path.cwd()), command_line()))
        return run_dir / FILE_NAME, ()

    def print(self) -> None:
        """Print the YAML and any faults in it, and exit."""
        from relayload.profile.from_options import text_of
        from relayload.profile.secrets import names_a_key

        faults: tuple[Fault, ...] = ()
        try:
            self.load()
        except AuthorError as error:
            faults = error.faults
        if not any(map(names_a_key, faults)):
            click.echo(text_of(self._document(), command_line()), nl=False)
        if faults:
            raise AuthorError(list(faults))
        sys.exit(ExitCode.PASS)

    def _document(self) -> "Document":
        assert self.options is not None, "a file is a document already"
        return self.options.document().override(self.sets)


def _source(
    profile: Path | None, sets: tuple[str, ...], values: dict[str, Any], *, print_profile: bool
) -> ProfileSource:
    """Build the source. Raises click's UsageError if both ways to name a profile are mixed, or neither is used."""
    given = [name for name, value in values.items() if value not in (None, ())]
    if profile is not None:
        _refuse_mixed(profile, values, given, print_profile=print_profile)
        return ProfileSource(profile, sets)
    if values["url"] is None:
        others = f" (--url goes with {', '.join(map(_option, given))})" if given else ""
        raise click.UsageError(
            f"missing PROFILE{others}: name a file, or write --url URL --model NAME --rate 5/s --for 1m"
        )
    from relayload.profile.from_options import ProfileOptions

    if click.get_current_context().info_name == "doctor":
        values |= {
            name: values[name] or value for name, value in _DOCTORS_OWN.items() if name != "rate" or not values["users"]
        }
    _refuse_incomplete(values)
    return ProfileSource(None, sets, ProfileOptions(**values))


def _refuse_mixed(profile: Path, values: Mapping[str, Any], given: list[str], *, print_profile: bool) -> None:
    if values["url"] is not None:
        raise click.UsageError(
            f"PROFILE ({profile}) and --url are two ways to say what to send: leave out one; to send a profile "
            f"somewhere else, write --set target.base_url={values['url']}"
        )
    if given:
        (name, *_) = given
        raise click.UsageError(f"{_option(name)} goes with --url; for a PROFILE write --set {_AS_SETS[name]}")
    if print_profile:
        raise click.UsageError("--print-profile goes with --url; a PROFILE is its own text")


def _refuse_incomplete(values: Mapping[str, Any]) -> None:
    if values["rate"] is not None and values["users"] is not None:
        raise click.UsageError("--rate and --users are two kinds of load: leave out one")
    lacking = [name for name in ("model", "for_") if not values[name]]
    examples = {"model": "--model o3", "for_": "--for 1m"}
    wanted = [examples[name] for name in lacking]
    if values["rate"] is None and values["users"] is None:
        wanted.append("--rate 5/s (or --users 8)")
    if wanted:
        raise click.UsageError(f"--url needs more: write {', '.join(wanted)}")


def _option(name: str) -> str:
    spelled = {"for_": "for", "objectives": "objective", "headers": "header", "allow_hosts": "allow-host"}
    return f"--{spelled.get(name, name).replace('_', '-')}"


def command_line() -> str:
    """Return this command line without secrets, to stand in a comment."""
    from relayload.transport.redaction import Secrets

    words = [word for word in sys.argv[1:] if word != "--print-profile"]
    return Secrets("").quoted(shlex.join(["relayload", *words]))


def in_options(message: str) -> str:
    """Replace paths of the profile in a message by the options that stand for them."""
    for path, option in _OPTIONS_OF_PATHS.items():
        message = message.replace(path, option)
    return message


_OPTIONS_OF_PATHS = MappingProxyType(
    {
        "target.base_url: ": "--url ",
        "target.base_url": "--url",
        "target.api_key": "--api-key-env",
        "scenarios.*.model": "--model",
    }
)


def _in_options(faults: tuple[Fault, ...], document: "Document") -> Iterator[Fault]:
    """Yield the faults, with remedies in guardrails and prices worded as options."""
    remedies = _remedies(document)
    for fault in faults:
        fault = replace(fault, message=_naming_another(fault.message)) if fault.file == "--api-key-env" else fault
        remedy = remedies.get(fault.path)
        mended = remedy is not None and "write " in fault.message
        yield replace(fault, message=f"{fault.message.rpartition('write ')[0]}write {remedy}") if mended else fault


def _naming_another(message: str) -> str:
    """Add to the fault of a variable that is not set how to name another one."""
    return f"{message}, or name another with --api-key-env" if message.endswith(": set it") else message


def _remedies(document: "Document") -> dict[str, str]:
    """Return the options to write for each path that faults in guardrails and prices name."""
    from relayload.profile.checks.content import sound
    from relayload.profile.guardrails import Guardrails
    from relayload.profile.target import Target

    written: dict[str, Any] = document.data
    target, guardrails = sound(Target, written["target"]), sound(Guardrails, written.get("guardrails", {}))
    prices = "--prices LIST, or dollars per million tokens in and out, such as --prices 2/8"
    if target is None or guardrails is None:
        return {"target.prices": prices}
    lacking = [
        f"--{name.replace('_', '-')} {example}"
        for name, example in guardrails.lacking(target).items()
        if name != "max_duration"
    ]
    allow = [] if guardrails.allow(target) else [f"--allow-host {target.host}"]
    priced = [] if "prices" in written["target"] else ["--prices 2/8 (dollars per million tokens in and out)"]
    remedy = " ".join([*allow, *lacking, *priced]).replace("$", "")
    return {"target.base_url": remedy, "guardrails": remedy, "target.prices": prices}
