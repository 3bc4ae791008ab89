"""Where a verb has its profile from: a file, or a few options that stand for one.

`profile_or_url` gives a verb one argument, its `source`, in place of PROFILE, `--set` and the options below.
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

from relayload.core.exit_codes import ExitCode
from relayload.verbs.arguments import PROFILE, SETS

if TYPE_CHECKING:
    from relayload.core.errors import Fault
    from relayload.document import Document
    from relayload.profile import Profile
    from relayload.profile.from_options import ProfileOptions

FILE_NAME = "one-liner.yaml"
"""In the directory of the run: the profile that its options stood for."""
_DOCTORS_OWN = MappingProxyType({"rate": "1/s", "for_": "1m"})
"""A visit does not depend on the load, though a profile has one."""
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
"""How `--set` says it of a profile."""
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
    click.option(
        "--endpoint", type=click.Choice(("chat", "responses", "embeddings")), help="What is asked for (chat)."
    ),
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
    """A verb that takes a `source`, with the arguments to name one."""

    @wraps(verb)
    def with_source(*, profile: Path | None, sets: tuple[str, ...], print_profile: bool, **options: Any) -> None:
        asked = {name: options.pop(name) for name in ("url", *_AS_SETS)}
        source = _source(profile, sets, asked, print_profile=print_profile)
        if print_profile:
            source.print()
        verb(source=source, **options)

    for option in reversed(_OPTIONS):
        with_source = option(with_source)
    return PROFILE(SETS(with_source))


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """A profile to be read: from a file, or made of options."""

    profile: Path | None
    sets: tuple[str, ...]
    asked: "ProfileOptions | None" = None

    def load(self) -> "Profile":
        """The profile; what of it is hardly meant is told on stderr. Raises AuthorError with every fault."""
        profile = self._loaded()
        for caution in profile.cautions:
            click.echo(str(caution), err=True)
        if self.asked is not None and (unset := self.asked.unset_key(os.environ)):
            click.echo(f"warning: {unset}", err=True)
        return profile

    def _loaded(self) -> "Profile":
        from relayload.core.errors import AuthorError
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
        """Of the profile; that of options has no place until there is a run."""
        return self.profile or Path(FILE_NAME)

    @property
    def own_sets(self) -> tuple[str, ...]:
        """The overrides that are not in the file."""
        return () if self.profile is None else self.sets

    def written_to(self, run_dir: Path) -> tuple[Path, tuple[str, ...]]:
        """The file for another process, with the overrides that are not in it yet. Raises AuthorError."""
        if self.profile is not None:
            return self.profile, self.sets
        from relayload.profile.from_options import elsewhere, text_of
        from relayload.verbs.arguments import write_text

        write_text(run_dir / FILE_NAME, text_of(elsewhere(self._document(), Path.cwd()), _command()))
        return run_dir / FILE_NAME, ()

    def print(self) -> None:
        """The YAML, and what is wrong with it if anything is; then leave."""
        from relayload.core.errors import AuthorError
        from relayload.profile.from_options import text_of
        from relayload.profile.secrets import tells_a_key

        faults: tuple[Fault, ...] = ()
        try:
            self.load()
        except AuthorError as error:
            faults = error.faults
        if not any(map(tells_a_key, faults)):
            click.echo(text_of(self._document(), _command()), nl=False)
        if faults:
            raise AuthorError(list(faults))
        sys.exit(ExitCode.PASS)

    def _document(self) -> "Document":
        assert self.asked is not None, "a file is a document already"
        return self.asked.document().override(self.sets)


def _source(
    profile: Path | None, sets: tuple[str, ...], asked: dict[str, Any], *, print_profile: bool
) -> ProfileSource:
    """Raises click's UsageError where the two ways to name a profile are mixed, or none is there."""
    given = [name for name, value in asked.items() if value not in (None, ())]
    if profile is not None:
        _refuse_mixed(profile, asked, given, print_profile=print_profile)
        return ProfileSource(profile, sets)
    if asked["url"] is None:
        others = f" (--url goes with {', '.join(map(_option, given))})" if given else ""
        raise click.UsageError(
            f"missing PROFILE{others}: name a file, or write --url URL --model NAME --rate 5/s --for 1m"
        )
    from relayload.profile.from_options import ProfileOptions

    if click.get_current_context().info_name == "doctor":
        asked |= {
            name: asked[name] or value for name, value in _DOCTORS_OWN.items() if name != "rate" or not asked["users"]
        }
    _refuse_incomplete(asked)
    return ProfileSource(None, sets, ProfileOptions(**asked))


def _refuse_mixed(profile: Path, asked: Mapping[str, Any], given: list[str], *, print_profile: bool) -> None:
    if asked["url"] is not None:
        raise click.UsageError(
            f"PROFILE ({profile}) and --url are two ways to say what to send: leave out one; to send a profile "
            f"somewhere else, write --set target.base_url={asked['url']}"
        )
    if given:
        (name, *_) = given
        raise click.UsageError(f"{_option(name)} goes with --url; for a PROFILE write --set {_AS_SETS[name]}")
    if print_profile:
        raise click.UsageError("--print-profile goes with --url; a PROFILE is its own text")


def _refuse_incomplete(asked: Mapping[str, Any]) -> None:
    if asked["rate"] is not None and asked["users"] is not None:
        raise click.UsageError("--rate and --users are two kinds of load: leave out one")
    lacking = [name for name in ("model", "for_") if not asked[name]]
    examples = {"model": "--model o3", "for_": "--for 1m"}
    wanted = [examples[name] for name in lacking]
    if asked["rate"] is None and asked["users"] is None:
        wanted.append("--rate 5/s (or --users 8)")
    if wanted:
        raise click.UsageError(f"--url needs more: write {', '.join(wanted)}")


def _option(name: str) -> str:
    spelled = {"for_": "for", "objectives": "objective", "headers": "header", "allow_hosts": "allow-host"}
    return f"--{spelled.get(name, name).replace('_', '-')}"


def _command() -> str:
    """This command line, as a comment can hold it."""
    from relayload.transport.redaction import Secrets

    words = [word for word in sys.argv[1:] if word != "--print-profile"]
    return Secrets("").told(shlex.join(["relayload", *words]))


def in_options(told: str) -> str:
    """What a run without a file says of its profile, in the words of the command line."""
    for path, option in _OPTIONS_OF_PATHS.items():
        told = told.replace(path, option)
    return told


_OPTIONS_OF_PATHS = MappingProxyType(
    {
        "target.base_url: ": "--url ",
        "target.base_url": "--url",
        "target.api_key": "--api-key-env",
        "scenarios.*.model": "--model",
    }
)


def _in_options(faults: "tuple[Fault, ...]", document: "Document") -> "Iterator[Fault]":
    """The faults, with those that guardrails and prices mend in the words of the command line."""
    remedies = _remedies(document)
    for fault in faults:
        fault = replace(fault, message=_without_default(fault.message)) if fault.file == "--api-key-env" else fault
        remedy = remedies.get(fault.path)
        mended = remedy is not None and "write " in fault.message
        yield replace(fault, message=f"{fault.message.rpartition('write ')[0]}write {remedy}") if mended else fault


def _without_default(message: str) -> str:
    """An option names a variable and can give it no default."""
    before, hint, _ = message.partition(", or write ${env:")
    return f"{before}, or name another with --api-key-env" if hint else message


def _remedies(document: "Document") -> dict[str, str]:
    """What to write for each path that the guardrails complain of."""
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
