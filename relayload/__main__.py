"""The entry point of `relayload` and `python -m relayload`."""

import os
import signal
import sys
from types import FrameType

_AT_ONCE = {"run", "capacity", "gate", "compare", "report", "check", "cost", "doctor"}
"""Verbs that can end at once without cleaning up (`run` and `capacity` only while no run is under way).

Their fake relay ends, too.
"""
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


def main() -> None:
    """Run the command line. Verbs can be interrupted from the start, long before all imports are done."""
    if _AT_ONCE.intersection(sys.argv[1:2]):
        for number in _NAMES:
            signal.signal(number, _leave)
    from relayload.cli import main as command_line
    from relayload.report.ascii_fallback import allow_any_encoding

    allow_any_encoding()
    command_line()


def _leave(number: int, _: FrameType | None) -> None:
    """Print one line and exit: nothing has been started that needs a clean end.

    Raising would not do: Python drops exceptions raised in a destructor or a callback, and the run would continue.
    """
    line_break = "\n" if os.isatty(2) else ""
    os.write(2, f"{line_break}relayload: ended by {_NAMES[signal.Signals(number)]}\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    main()
