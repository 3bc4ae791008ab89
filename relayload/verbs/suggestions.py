"""Suggestions for an unknown verb or option: our name for what another tool calls so, or a similar spelling."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

import click

_VERBS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("start", "test", "bench", "benchmark", "attack", "load", "exec"), "run")
    | dict.fromkeys(("validate", "lint", "plan", "inspect", "dry-run"), "check")
    | dict.fromkeys(("new", "create", "scaffold", "template"), "init")
    | dict.fromkeys(("summary", "show", "stats", "results"), "report")
    | dict.fromkeys(("judge", "verify", "assert"), "gate")
    | dict.fromkeys(("diff", "ab"), "compare")
    | dict.fromkeys(("mock", "fake", "fakerelay", "serve", "server"), "fake-relay")
    | dict.fromkeys(("otava", "csv"), "export otava")
    | dict.fromkeys(("ping", "probe", "diagnose", "preflight"), "doctor")
    | dict.fromkeys(("price", "prices"), "cost")
    | dict.fromkeys(("compress", "gzip", "zip"), "merge --compress")
)
"""Our verbs by the words of other tools."""
_PROFILE_SUFFIXES = (".yaml", ".yml")

_DURATION = ("--duration", "-d", "-z", "--time", "-t", "--run-time", "--run-for", "--max-seconds")
_USERS = ("--vus", "-u", "--concurrency", "-c", "--max-concurrency", "--connections", "--clients", "--threads")
_RATE = ("--qps", "-q", "--rps", "-r", "--request-rate", "--arrival-rate", "--spawn-rate")
_REQUESTS = ("--requests", "-n", "--num-requests", "--num-prompts", "--request-count", "--iterations", "-i")
_KEY = ("--key", "--api-key", "-k", "--token", "--apikey", "--api-token")
_URL = ("--base-url", "--target", "--host", "--server", "--relay", "--api-base")
_OBJECTIVE = ("--objectives", "--slo", "--sla", "--goodput", "--threshold", "--thresholds", "--expect")
_ANSWER = ("--max-output-tokens", "--output-tokens", "--max-completion-tokens", "--osl", "--random-output-len")
_PROMPT = ("--prompt-tokens", "--isl", "--random-input-len")

_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(_DURATION, ("--for", "--seconds"))
    | dict.fromkeys(_USERS, ("--users",))
    | dict.fromkeys(_RATE, ("--rate",))
    | dict.fromkeys(_REQUESTS, ("--max-requests",))
    | dict.fromkeys(_KEY, ("--api-key-env", "--key"))
    | dict.fromkeys(_URL, ("--url", "--host"))
    | dict.fromkeys(_OBJECTIVE, ("--objective",))
    | dict.fromkeys(_ANSWER, ("--max-tokens", "--output-tokens"))
    | dict.fromkeys(_PROMPT, ("--input-tokens",))
    | dict.fromkeys(("-m",), ("--model",))
    | dict.fromkeys(("-H", "--headers"), ("--header",))
    | dict.fromkeys(("-o", "--output", "--output-dir", "--output-file", "--dir"), ("--out",))
    | dict.fromkeys(("-s", "--override", "-e", "--env"), ("--set",))
    | dict.fromkeys(("--budget", "--max-cost"), ("--max-usd",))
    | dict.fromkeys(("--format", "--output-format"), ("--json",))
    | dict.fromkeys(("-p", "--port-number"), ("--port",))
)
"""Our options by the names in Vegeta, hey, wrk, k6, Locust, guidellm and vLLM's benchmark."""


def suggested_verb(word: str, verbs: Iterable[str], hidden: Iterable[str] = ()) -> str:
    """Return `: did you mean 'check'?`, or else `: expected one of ...`. Hidden verbs may be suggested too."""
    known = list(verbs)
    near = _VERBS.get(word) or next(iter(get_close_matches(word.lower(), [*known, *hidden], n=1)), "")
    if near.partition(" ")[0] in {*known, *hidden}:
        return f": did you mean 'relayload {near}'?"
    if word.endswith(_PROFILE_SUFFIXES) or Path(word).is_file():
        return f": did you mean 'relayload run {word}'?"
    if "://" in word:
        return f": did you mean 'relayload run --url {word} --model MODEL --rate 5/s --for 1m'?"
    return f": expected one of {', '.join(known)}"


def with_suggested_option(error: click.NoSuchOption) -> click.NoSuchOption:
    """Return the error with our option for another tool's name, in place of similar spellings, if there is one."""
    word, command = error.option_name, error.ctx.command if error.ctx else None
    meant = _suggested_option(word, (name for each in command.params for name in each.opts)) if command else None
    if meant is None:
        return error
    return click.NoSuchOption(word, f"there is no option '{word}': did you mean '{meant}'?", ctx=error.ctx)


def _suggested_option(word: str, known: Iterable[str]) -> str | None:
    """Return the known option that another tool's `word` stands for; None if there is none."""
    options = set(known)
    return next((option for option in _OPTIONS.get(word, ()) if option in options), None)
