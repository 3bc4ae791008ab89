"""A run without a verdict, as CI systems see it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from relayload.core.errors import Fault
from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.printable import one_line
from relayload.report.ci_cases import CARRIED_OUT

_KINDS: Mapping[int, str] = MappingProxyType(
    {
        ExitCode.CRASH: "CRASHED",
        ExitCode.BAD_INPUT: "BAD INPUT",
        ExitCode.UNREACHABLE: "UNREACHABLE",
        **dict.fromkeys(INTERRUPTIONS, "INTERRUPTED"),
    }
)


@dataclass(frozen=True, slots=True)
class NotRun:
    """Why nothing was judged: faults in the profile, or what happened before there was a verdict."""

    name: str
    """The name of the profile, or of what was to be judged."""
    exit_code: int
    faults: tuple[Fault, ...]

    @property
    def kind(self) -> str:
        """The reason in a word or two: `BAD INPUT`, `UNREACHABLE`."""
        return _KINDS.get(self.exit_code, "NOT RUN")


def not_run(name: str, exit_code: int, faults: Iterable[Fault]) -> NotRun:
    """Build it. Text from elsewhere, including the names of files, is made safe to print."""
    shown = (replace(fault, message=one_line(fault.message), file=one_line(fault.file)) for fault in faults)
    return NotRun(one_line(name), exit_code, tuple(shown))


def place_of(fault: Fault) -> str:
    """Return the place of a fault as the name of a case: `relay.yaml:12:9: load.stages.1.rate`."""
    return str(replace(fault, message="")) or CARRIED_OUT
