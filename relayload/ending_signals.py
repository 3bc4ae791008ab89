"""Which signals end in order what goes on."""

import signal
from collections.abc import Mapping

from relayload.core.exit_codes import INTERRUPTIONS, ExitCode

_OFFSET = 128


def ending_signals() -> Mapping[signal.Signals, ExitCode]:
    """Return the signals that a process is to catch, with their exit codes.

    SIGHUP is not among them where whoever started the process had it ignored, as nohup does.
    """
    caught = {signal.Signals(code - _OFFSET): ExitCode(code) for code in INTERRUPTIONS}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        del caught[signal.SIGHUP]
    return caught


def no_wait_hint(code: int | None) -> str:
    """Return what can be done about a wait that a signal, told by its exit code, began; SIGHUP is sent by nobody."""
    name = INTERRUPTIONS.get(code or 0)
    return "" if name is None or code == ExitCode.SIGHUP else f", and a second {name} does not wait"
