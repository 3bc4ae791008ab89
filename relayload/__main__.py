"""The entry point of `relayload` and `python -m relayload`."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from relayload.core.exit_codes import INTERRUPTIONS
from relayload.ending_signals import ending_signals

_LOADS = {"run", "capacity", "overhead", "noise", "limits", "audit"}
"""Verbs that send for a long time, and whose load is worth more than what they print meanwhile."""
_AT_ONCE = {*_LOADS, "gate", "compare", "report", "check", "cost", "doctor"}
"""Verbs that can end at once without cleaning up (those that send only while no run is under way).

Their fake relay ends, too.
"""


def main() -> None:
    """Run the command line. Verbs can be interrupted from the start, long before all imports are done."""
    if _AT_ONCE.intersection(sys.argv[1:2]):
        for number in ending_signals():
            signal.signal(number, _leave)
    from relayload.cli import main as command_line
    from relayload.report.ascii_fallback import allow_any_encoding
    from relayload.report.lasting_streams import outlast_readers

    allow_any_encoding()
    if _LOADS.intersection(sys.argv[1:2]):
        outlast_readers()
    command_line()


def _leave(number: int, _: FrameType | None) -> None:
    """Print one line and exit: nothing has been started that needs a clean end.

    Raising would not do: Python drops exceptions raised in a destructor or a callback, and the run would continue.
    """
    line_break = "\n" if os.isatty(2) else ""
    with suppress(OSError):  # the terminal may be gone
        os.write(2, f"{line_break}relayload: ended by {INTERRUPTIONS[128 + number]}\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    main()
