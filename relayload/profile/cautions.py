"""Warnings about what is valid but hardly intended, or will be a fault soon.

They concern keys in plain text, variables as a shell writes them, objectives that demand a bad relay or have nothing to
judge, retries beyond the limits, and former names of keys.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from relayload.core.audit.questions import CHECKED
from relayload.core.errors import Fault
from relayload.core.metrics.catalog import METRICS
from relayload.core.objectives.objective import Objective, Op
from relayload.document import Document, Location
from relayload.profile.audit import Audit
from relayload.profile.client import Client
from relayload.profile.loads import Load, OpenLoad
from relayload.profile.plaintext_keys import is_key_of, is_placeholder, is_plain_key, reference_meant
from relayload.profile.resilience import OwnQuota
from relayload.profile.secrets import at
from relayload.profile.variables import references, texts

_SHELL = re.compile(
    r"(?P<before>Bearer\s+)?(?:\$(?P<dollar>[A-Za-z_]\w*)|\$\((?P<call>\w+)\)|%(?P<percent>[A-Za-z_]\w*)%)"
)
_FREE = ("text", "template", "body", "tools", "tool_choice", "response_format", "description")
"""Keys whose text is sent as it is, or read by people alone."""


def cautions(written: Document, secrets: Collection[Location]) -> Iterator[Fault]:
    """Yield warnings, each with its place and the line to write. They repeat no key."""
    for location, former in written.former_names.items():
        message = f"warning: '{former}' is now '{location[-1]}': the next version drops the old name"
        yield written.fault(location, message, at_key=True)
    for location, text in texts(written.data):
        if (meant := _with_variable(location, text)) is not None:
            what = "content of the file" if meant.startswith("${file:") else "variable"
            yield written.fault(location, f"warning: '{text}' is sent as it stands: for the {what} write {meant}")
        elif location in secrets and not references(text) and (wrong := _plain(written.data, location, text)):
            named = _variable_for(written.data, location)
            remedy = f"put the key into the variable {named}, and write {location[-1]}: ${{env:{named}}}"
            yield written.fault(location, f"warning: {wrong}: {remedy}")


def _plain(data: Any, location: Location, text: str) -> str | None:
    """Return what is wrong with a secret that refers to nothing; None if it is fine."""
    of_target = _is_key(location)
    if of_target and is_placeholder(text):
        return "a placeholder, which is sent as it stands"
    base_url = at(data, (*_owner(location), "base_url"))
    if is_key_of(base_url, text) if of_target else is_plain_key(text):
        return "a key in plain text, for whoever reads this file"
    return None


def _with_variable(location: Location, text: str) -> str | None:
    """Return our spelling of a variable that makes up the whole text in a shell's spelling; None for any other text."""
    if _is_key(location) and (meant := reference_meant(text)) is not None:
        return meant
    match = None if set(_FREE) & set(location) else _SHELL.fullmatch(text)
    if match is None:
        return None
    return f"{match['before'] or ''}${{env:{match['dollar'] or match['call'] or match['percent']}}}"


def _variable_for(data: Any, location: Location) -> str:
    """Return a name for the variable: `RELAY_API_KEY`, or one made of the name of the target, key or header."""
    owner = str(location[1]) if location[0] in ("targets", "scenarios") else "relay"
    named = at(data, (*location[:-1], "name")) if "keys" in location else None
    return re.sub(r"\W+", "_", "_".join(map(str, filter(None, (owner, named, location[-1]))))).upper()


def _is_key(location: Location) -> bool:
    """Return whether the key of a target stands there."""
    return location[-1:] == ("api_key",) or location[:-2] in (("target", "keys"), (*location[:2], "keys"))


def _owner(location: Location) -> Location:
    """Return where the target stands that a key belongs to."""
    return location[: 1 if location[0] == "target" else 2]


_FEWER_IS_BETTER = ("errors", "cost", "stall", "stream.broken", "stream.coalesced", "usage", "model")
_MIRRORED = {Op.ABOVE: Op.BELOW, Op.AT_LEAST: Op.AT_MOST}


def turned_round(objective: Objective) -> str | None:
    """Return a warning if an objective demands bad numbers, such as `errors.rate > 1%`, which a drill may intend."""
    metric = METRICS[objective.metric]
    less_is_better = objective.metric in _FEWER_IS_BETTER or (metric.distribution and not metric.more_is_better)
    if not less_is_better or not objective.op.floor or objective.aggregate == "min":
        return None
    indicator, _, limit = objective.text.rpartition(objective.op)
    meant = f"{indicator}{_MIRRORED[objective.op]}{limit}"
    return f"warning: '{objective.text}' demands bad numbers: an objective states what must hold, such as '{meant}'"


def unaudited(objective: Objective, audit: Audit, asked: Collection[str]) -> str | None:
    """Return a warning if a run has no answers to judge usage or models by; None if it has.

    `asked` are the kinds of the audit's questions that scenarios ask.
    """
    match objective.metric:
        case "usage":
            missing = [] if audit.answers or asked else ["answers: 500"]
        case "model":
            missing = [] if "open" in asked else ["share: 1%"]
            missing += [] if audit.reference else ["reference: TARGET"]
        case "answers.checked":
            missing = [] if {"checked", *CHECKED} & {*asked} else ["share: 1%", "questions: [checked]"]
        case _:
            missing = []
    if not missing:
        return None
    meant = f"write audit: {{{', '.join(missing)}}}"
    return f"warning: '{objective.text}' has no answers to judge in a run: {meant}, or run relayload audit"


def unlimited_retries(load: Load, client: Client | None) -> str | None:
    """Return a warning if `limits` bind the requests and nothing binds their retries; None if all is well."""
    limits = load.limits if isinstance(load, OpenLoad) else None
    if limits is None or client is None or client.retry is None or client.retry.attempts == 1:
        return None
    if client.quota is not None and (not isinstance(client.quota, OwnQuota) or client.quota.requests):
        return None
    rates = {"s": limits.per_second, "min": limits.per_minute}
    meant = ", ".join(f"{most}/{unit}" for unit, most in rates.items() if most is not None)
    return (
        f"warning: limits do not hold retries, which come on top: client.quota: {{requests: [{meant}]}} holds them too"
    )
