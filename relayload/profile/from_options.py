"""Builds a profile from options of the command line.

It is checked like any other profile; a fault in it names the option.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from relayload.core.errors import AuthorError, Fault
from relayload.core.price import ANY
from relayload.document import Document, Location, Place
from relayload.document.source import plain_value
from relayload.prices import in_and_out
from relayload.profile.prompt_sets import NAMES
from relayload.profile.target import FAKE_SCHEME

SCENARIO = "main"
_KEY_VARIABLE = "OPENAI_API_KEY"
DEFAULT_KEY = f"${{env:{_KEY_VARIABLE}:-sk-fake}}"
_FILES = (".txt", ".jsonl", ".ndjson", ".json", ".csv")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFIT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_NAME = 40

Entry = tuple[Location, Any, str]
"""A location in the profile, its value, and the option that gives it. None is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOptions:
    """The values of the options as they were written; None for an option that was not given."""

    url: str
    model: str
    for_: str
    rate: str | None = None
    users: int | None = None
    objectives: tuple[str, ...] = ()
    prompt: str | None = None
    input_tokens: int | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    endpoint: str | None = None
    api_key_env: str | None = None
    headers: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    max_requests: int | None = None
    max_usd: str | None = None
    prices: str | None = None

    def document(self) -> Document:
        """Return the profile, with options as its places. Raises AuthorError for values that no profile can have."""
        data: dict[str, Any] = {}
        places: dict[Location, Place] = {(): Place("")}
        for location, value, option in self._entries():
            if value is None:
                continue
            _put(data, location, value)
            for depth in range(1, len(location)):
                places.setdefault(location[:depth], Place(option))
            places[location] = Place(option)
        return Document(data, "", value_places=places)

    def _entries(self) -> Iterator[Entry]:
        yield ("name",), profile_name(self.model), "--model"
        yield ("target", "base_url"), self.url, "--url"
        yield ("target", "api_key"), self._api_key(), "--api-key-env"
        for header in self.headers:
            name, value = _header(header)
            yield ("target", "headers", name), value, "--header"
        yield ("target", "prices"), None if self.prices is None else prices_of(self.prices), "--prices"
        yield from self._load()
        yield from self._scenario()
        yield ("objectives",), list(self.objectives) or None, "--objective"
        yield from self._guardrails()

    def _api_key(self) -> str:
        if self.api_key_env is None:
            return DEFAULT_KEY
        if not _VARIABLE.fullmatch(self.api_key_env):
            # Not repeated: it may be a key.
            message = "expected the name of an environment variable, and not the key itself, which everybody on this "
            raise AuthorError([Fault(f"{message}machine could read: write --api-key-env NAME", file="--api-key-env")])
        return f"${{env:{self.api_key_env}}}"

    def unset_key(self, environ: Mapping[str, str]) -> str | None:
        """Return a warning if the variable with the key is not set; None if all is well, as for a fake relay."""
        if self.api_key_env is not None or environ.get(_KEY_VARIABLE) or self.url.startswith(FAKE_SCHEME):
            return None
        return f"{_KEY_VARIABLE} is not set, so the key is 'sk-fake': --api-key-env NAME names another variable"

    def _load(self) -> Iterator[Entry]:
        if self.users is not None:
            yield ("load", "kind"), "closed", "--users"
            yield ("load", "users"), self.users, "--users"
            yield ("load", "stages"), [{"for": self.for_}], "--for"
        else:
            yield ("load", "kind"), "open", "--rate"
            yield ("load", "stages"), [{"for": self.for_, "rate": self.rate}], "--rate"
            yield ("load", "stages", 0, "for"), self.for_, "--for"
            yield ("load", "stages", 0, "rate"), self.rate, "--rate"

    def _scenario(self) -> Iterator[Entry]:
        at = ("scenarios", SCENARIO)
        yield (*at, "model"), self.model, "--model"
        yield (*at, "endpoint"), self.endpoint, "--endpoint"
        if self.prompt is not None or self.input_tokens is None:
            yield (*at, "prompt"), prompt_of(self.prompt or "simple"), "--prompt"
        yield (*at, "input_tokens"), self.input_tokens, "--input-tokens"
        yield (*at, "max_output_tokens"), self.max_tokens, "--max-tokens"
        yield (*at, "stream"), self.stream, "--stream" if self.stream else "--no-stream"

    def _guardrails(self) -> Iterator[Entry]:
        if self.allow_hosts:
            yield ("guardrails", "allow_hosts"), list(self.allow_hosts), "--allow-host"
            yield ("guardrails", "max_duration"), self.for_, "--for"
        yield ("guardrails", "max_requests"), self.max_requests, "--max-requests"
        yield ("guardrails", "max_usd"), self.max_usd, "--max-usd"


def profile_name(model: str) -> str:
    """Return the name of a profile that is told no other."""
    return _UNFIT_FOR_A_NAME.sub("-", model)[:_MOST_NAME].strip("-") or SCENARIO


def text_of(document: Document, command: str) -> str:
    """Return the profile as the text of a file to keep and edit."""
    header = f"# What this command stands for:\n#   {command}\n# relayload check FILE shows its plan.\n"
    return header + yaml.dump(document.data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def elsewhere(document: Document, folder: Path) -> Document:
    """Return the profile as read from another folder, with the paths of its files made absolute from this one."""
    files = [("scenarios", SCENARIO, "prompt", "file"), ("target", "prices")]

    def absolute(location: Location, text: str) -> str:
        named = location in files and (location[-1] == "file" or text.endswith((".yaml", ".yml")))
        return str((folder / text).absolute()) if named else text

    return replace(document, data=document.substitute(absolute).data)


def _put(data: dict[str, Any], location: Location, value: Any) -> None:
    container: Any = data
    for key in location[:-1]:
        container = container[key] if isinstance(key, int) else container.setdefault(key, {})
    container[location[-1]] = value


def prompt_of(text: str) -> Any:
    """Return a built-in prompt by its name, a file (also `@FILE`), or else the text itself."""
    if text in NAMES:
        return text
    if text.startswith("@"):
        return {"file": text[1:]}
    is_file = (text.endswith(_FILES) and not re.search(r"\s", text)) or _is_file(text)
    return {"file": text} if is_file else {"text": text}


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a null in it
        return False


def prices_of(text: str) -> Any:
    """Return the name of a price list, or the prices that a pair such as `2/8` stands for."""
    price = in_and_out(text)
    return {ANY: {"input": f"${price.input}", "output": f"${price.output}"}} if price else text


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise AuthorError([Fault("expected a header such as 'X-Team: load'", file="--header")])
    return name.strip(), value.strip()


class _Dumper(yaml.SafeDumper):
    """Quotes texts that our reader would take for something else, and not those that only PyYAML would."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = isinstance(plain_value(text), str)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


_Dumper.add_representer(str, _text)
