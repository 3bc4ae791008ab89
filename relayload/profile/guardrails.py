"""The `guardrails:` of a profile: bounds that no run passes."""

import math
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from relayload.core.resilience.guard import Caps, FusePolicy
from relayload.prices import Usd
from relayload.profile.target import Target
from relayload.profile.types import Count, Items, Part, PositiveDuration, Share
from relayload.transport.origin import is_address

_HOST = re.compile(r"[A-Za-z0-9._-]+")
_DEFAULT = FusePolicy()
_EXAMPLES = {"max_requests": "20000", "max_duration": "30m", "max_usd": "$5"}
"""Examples of the bounds that a target on another machine must have."""


def _host(name: str) -> str:
    if is_address(name) or _HOST.fullmatch(name):
        return name.lower()
    raise ValueError(f"expected a host alone, without scheme, port or path, got '{name}'")


class Fuse(Part):
    """When to stop, since the target has gone wrong; null leaves a rule out."""

    auth_failures: Count | None = _DEFAULT.auth_failures
    """So many answers refused the key: 401, 403 and the like."""
    errors: Annotated[Share, Field(gt=0)] | None = _DEFAULT.errors
    """That share of the requests failed, those that were refused with a 429 left aside."""
    over_s: PositiveDuration = _DEFAULT.over_s
    """Among the answers of the last so long."""
    min_requests: Count = _DEFAULT.min_requests
    """The fewest answers to tell a share of."""


class Guardrails(Part):
    """Bounds that no run passes: one that reaches them is ended in order, with exit code 5.

    A target that is not this machine must be named and have the three caps.
    """

    allow_hosts: Items[Annotated[str, AfterValidator(_host)]] = ()
    """Hosts that load may go to, besides this machine."""
    max_requests: Count | None = None
    """The most requests to send."""
    max_duration_s: PositiveDuration | None = None
    """The longest time to send for: whatever would be due later is left out."""
    max_usd: Usd | None = None
    """The most dollars to spend, by the prices of the target."""
    fuse: Fuse | None = None
    """When to stop, since the target has gone wrong. Without a word it watches targets that are not this machine."""

    def allow(self, target: Target) -> bool:
        """Return whether load may be sent to the target."""
        return target.local or target.host in self.allow_hosts

    def lacking(self, target: Target) -> dict[str, str]:
        """Return the bounds that a target must have and lacks, with examples."""
        if target.local:
            return {}
        given = {"max_requests": self.max_requests, "max_duration": self.max_duration_s, "max_usd": self.max_usd}
        return {name: _EXAMPLES[name] for name, value in given.items() if value is None}

    @property
    def until_s(self) -> float:
        """The latest end of the load, in seconds after its start; infinite without a limit."""
        return math.inf if self.max_duration_s is None else self.max_duration_s

    @property
    def caps(self) -> Caps:
        return Caps(self.max_requests, self.max_usd)

    def fuse_for(self, target: Target) -> FusePolicy | None:
        """Return the policy of the fuse for a target; None if it has none."""
        if self.fuse is not None:
            return FusePolicy(**dict(self.fuse))
        return None if target.local else _DEFAULT
