"""`relayload`, and `python -m relayload`."""

import os
import signal
import sys
from types import FrameType

_AT_ONCE = {"run", "gate", "compare", "report", "check", "cost", "doctor"}
"""The verbs that leave nothing behind when they end at once; a run, until it has begun. A fake relay ends with them."""
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


def main() -> None:
    """The command line. A verb can be interrupted from its first moment on, long before all of it is imported."""
    if _AT_ONCE.intersection(sys.argv[1:2]):
        for number in _NAMES:
            signal.signal(number, _leave)
    from relayload.cli import main as command_line
    from relayload.report.ascii_fallback import allow_any_encoding

    allow_any_encoding()
    command_line()


def _leave(number: int, _: FrameType | None) -> None:
    """One line, and gone: nothing has been started that would have to be ended in order.

    No exception, since Python drops those that are raised in a destructor or a callback, and the run would go on.
    """
    line_break = "\n" if os.isatty(2) else ""
    os.write(2, f"{line_break}relayload: ended by {_NAMES[signal.Signals(number)]}\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    main()
