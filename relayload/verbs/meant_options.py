"""Which option was meant by the name that another tool has for it."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import click

_DURATION = ("--duration", "-d", "-z", "--time", "-t", "--run-time", "--run-for", "--max-seconds")
_USERS = ("--vus", "-u", "--concurrency", "-c", "--max-concurrency", "--connections", "--clients", "--threads")
_RATE = ("--qps", "-q", "--rps", "-r", "--request-rate", "--arrival-rate", "--spawn-rate")
_REQUESTS = ("--requests", "-n", "--num-requests", "--num-prompts", "--request-count", "--iterations", "-i")
_KEY = ("--key", "--api-key", "-k", "--token", "--apikey", "--api-token")
_URL = ("--base-url", "--target", "--host", "--server", "--relay", "--api-base")
_OBJECTIVE = ("--objectives", "--slo", "--sla", "--goodput", "--threshold", "--thresholds", "--expect")
_ANSWER = ("--max-output-tokens", "--output-tokens", "--max-completion-tokens", "--osl", "--random-output-len")
_PROMPT = ("--prompt-tokens", "--isl", "--random-input-len")

_MEANT: Mapping[str, tuple[str, ...]] = MappingProxyType(
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
"""What Vegeta, hey, wrk, k6, Locust, guidellm and vLLM's benchmark call it."""


def meant_option(word: str, known: Iterable[str]) -> str | None:
    """The option among those known that another tool's `word` stands for."""
    options = set(known)
    return next((option for option in _MEANT.get(word, ()) if option in options), None)


def with_meant_option(error: click.NoSuchOption) -> click.NoSuchOption:
    """The error with what was meant, where that is known, in place of the names that are spelled alike."""
    word, command = error.option_name, error.ctx.command if error.ctx else None
    meant = meant_option(word, (name for each in command.params for name in each.opts)) if command else None
    if meant is None:
        return error
    return click.NoSuchOption(word, f"there is no option '{word}': did you mean '{meant}'?", ctx=error.ctx)
