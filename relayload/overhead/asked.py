"""A measurement that options of the command line describe, without a profile."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relayload.core.errors import AuthorError, Fault
from relayload.core.overhead.phase import Names
from relayload.overhead.paired_profile import AGAIN, PairedProfile, from_folder
from relayload.profile.from_options import SCENARIO, prices_of, profile_name, prompt_of
from relayload.transport.origin import is_address as is_address

DIRECT = "direct"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_KEY = "sk-fake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The values of the options as they were written."""

    direct: str
    relays: tuple[str, ...]
    model: str = "o3"
    prompt: str = "simple"
    max_tokens: int = 32
    stream: bool = True
    answer_seed: int | None = None
    key_variables: tuple[str, ...] = ()
    """`VARIABLE` for every target, or `TARGET=VARIABLE`."""
    allow_hosts: tuple[str, ...] = ()
    max_requests: int | None = None
    max_usd: str | None = None
    max_duration: str = "30m"
    prices: str | None = None

    def profile(self, sets: Sequence[str]) -> PairedProfile:
        """Return the profile. Raises AuthorError for values that no profile can have."""
        urls = self._urls()
        keys = self._keys(urls)
        again = f"{DIRECT}-{AGAIN}"
        names = Names(DIRECT, again, tuple(name for name in urls if name != DIRECT))
        targets = {name: self._target(urls[name], keys[name]) for name in urls}
        data: dict[str, Any] = {
            "name": profile_name(self.model),
            "targets": {DIRECT: targets[DIRECT], again: targets[DIRECT], **targets},
            "compare": "randomised",
            "load": {"kind": "batch", "requests": 1},
            "scenarios": {SCENARIO: self._scenario()},
            "guardrails": {name: value for name, value in self._guardrails() if value is not None},
        }
        return PairedProfile(data, tuple(sets), names)

    def _urls(self) -> dict[str, str]:
        """Return the URLs by name, the direct one first."""
        urls = {DIRECT: self.direct}
        for number, written in enumerate(self.relays, 1):
            name, equals, url = written.partition("=")
            if not (equals and _NAME.fullmatch(name)):
                name, url = "relay" if len(self.relays) == 1 else f"relay-{number}", written
            if name in urls or name == f"{DIRECT}-{AGAIN}":
                raise AuthorError([Fault(f"'{name}' is taken: write --relay NAME=URL with another", path="--relay")])
            urls[name] = url
        return urls

    def _keys(self, urls: Mapping[str, str]) -> dict[str, str]:
        """Return what each target's key is written as. No key goes anywhere that was not said."""
        keys = dict.fromkeys(urls, _NO_KEY)
        for written in sorted(self.key_variables, key=lambda each: "=" in each):
            name, equals, variable = written.partition("=")
            variable = variable if equals else name
            if not _VARIABLE.fullmatch(variable):  # not repeated: it may be a key
                message = (
                    "expected the name of an environment variable, and not the key itself: write NAME or RELAY=NAME"
                )
                raise AuthorError([Fault(message, path="--api-key-env")])
            if equals and name not in urls:
                message = f"there is no target '{name}': expected one of {', '.join(urls)}"
                raise AuthorError([Fault(message, path="--api-key-env")])
            keys |= dict.fromkeys([name] if equals else urls, f"${{env:{variable}}}")
        return keys

    def _target(self, url: str, key: str) -> dict[str, Any]:
        priced = {} if self.prices is None else {"prices": prices_of(self.prices)}
        return from_folder({"base_url": url, "api_key": key, **priced}, Path.cwd())

    def _scenario(self) -> dict[str, Any]:
        seeded = {} if self.answer_seed is None else {"body": {"seed": self.answer_seed}}
        return {
            "model": self.model,
            "prompt": prompt_of(self.prompt),
            "stream": self.stream,
            "max_output_tokens": self.max_tokens,
            **seeded,
        }

    def _guardrails(self) -> Iterator[tuple[str, Any]]:
        yield "allow_hosts", list(self.allow_hosts)
        yield "max_requests", self.max_requests
        yield "max_usd", self.max_usd
        yield "max_duration", self.max_duration
