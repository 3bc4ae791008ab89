"""The exit codes of every verb, and of headless Locust with our locustfile. The README has their table."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class ExitCode(IntEnum):
    """How a process ends. A signal is 128 and its number, as in a shell; never 0."""

    PASS = 0
    """Also of a run that has nothing to be judged by, and of a verb that did its work."""
    CRASH = 1
    BAD_INPUT = 2
    """A bad profile, recording or argument."""
    FAIL = 3
    UNPROVEN = 4
    """INCONCLUSIVE or INVALID."""
    GUARDRAIL = 5
    UNREACHABLE = 6
    """A target can't be load-tested, as a request before the run has shown."""
    SIGHUP = 129
    SIGINT = 130
    SIGTERM = 143


INTERRUPTIONS: Mapping[int, str] = MappingProxyType(
    {ExitCode.SIGINT: "Ctrl-C", ExitCode.SIGTERM: "SIGTERM", ExitCode.SIGHUP: "SIGHUP"}
)
"""The signals that end what goes on in order, as users call them, by the exit code after them."""
