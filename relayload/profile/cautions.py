"""What is no fault of a profile, but hardly meant: keys in plain text, variables as a shell writes them, and objectives
that ask a relay to be bad.
"""

import re
from collections.abc import Collection, Iterator

from relayload.core.errors import Fault
from relayload.core.metrics.catalog import METRICS
from relayload.core.verdict.objective import Objective, Op
from relayload.document import Document, Location
from relayload.profile.variables import references, texts
from relayload.transport.concealing import resembles_key

_SHORTEST_KEY = 8
"""Shorter ones (`sk-fake`, `none`) open nothing."""
_LONG = re.compile(r"(?:Bearer\s+)?(?=\S*\d)\S{20,}")
"""No word, and no placeholder that anybody reads."""
_SHELL = re.compile(
    r"(?P<before>Bearer\s+)?(?:\$(?P<dollar>[A-Za-z_]\w*)|\$\((?P<call>\w+)\)|%(?P<percent>[A-Za-z_]\w*)%)"
)
_FREE = ("text", "template", "body", "tools", "tool_choice", "response_format", "description")
"""Where whatever one writes is sent, or only read by people."""


def cautions(written: Document, secrets: Collection[Location]) -> Iterator[Fault]:
    """Warnings, each with its place and the line to write; they repeat no key."""
    for location, text in texts(written.data):
        if (meant := _with_variable(location, text)) is not None:
            yield written.fault(location, f"warning: '{text}' is sent as it stands: for the variable write {meant}")
        elif location in secrets and _is_plain_key(text):
            named = _variable_for(location)
            remedy = f"put it into the variable {named}, and write {location[-1]}: ${{env:{named}}}"
            yield written.fault(location, f"warning: a key in plain text, for whoever reads this file: {remedy}")


def _with_variable(location: Location, text: str) -> str | None:
    """The text with the variable as we write it that is all of it, as a shell has them; None where it is none."""
    match = None if set(_FREE) & set(location) else _SHELL.fullmatch(text)
    if match is None:
        return None
    return f"{match['before'] or ''}${{env:{match['dollar'] or match['call'] or match['percent']}}}"


def _is_plain_key(text: str) -> bool:
    if references(text) or len(text) < _SHORTEST_KEY:
        return False
    return resembles_key(text) or _LONG.fullmatch(text) is not None


def _variable_for(location: Location) -> str:
    """`RELAY_API_KEY`, or for one of several targets and for headers by their names."""
    owner = str(location[1]) if location[0] in ("targets", "scenarios") else "relay"
    return re.sub(r"\W+", "_", f"{owner}_{location[-1]}").upper()


_FEWER_IS_BETTER = ("errors", "cost")
_MIRRORED = {Op.ABOVE: Op.BELOW, Op.AT_LEAST: Op.AT_MOST}


def turned_round(objective: Objective) -> str | None:
    """A warning where an objective demands what others forbid, such as `errors.rate > 1%`; a drill may mean it."""
    metric = METRICS[objective.metric]
    less_is_better = objective.metric in _FEWER_IS_BETTER or (metric.distribution and not metric.more_is_better)
    if not less_is_better or not objective.op.floor or objective.aggregate == "min":
        return None
    asked, _, limit = objective.text.rpartition(objective.op)
    meant = f"{asked}{_MIRRORED[objective.op]}{limit}"
    return f"warning: '{objective.text}' demands bad numbers: an objective states what must hold, such as '{meant}'"
