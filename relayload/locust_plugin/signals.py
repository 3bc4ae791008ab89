"""Ctrl-C and SIGTERM: the first ends the run in order, the second waits for nothing, the third is final.

gevent passes a KeyboardInterrupt or SystemExit from a signal's greenlet to the main greenlet, where Locust shuts down
on the one and exits at once on the other. Once a run has begun, Locust handles SIGTERM as well.
"""

import os
import signal
from collections.abc import Callable

import gevent

from relayload.core.exit_codes import ExitCode

EXIT_CODES = {signal.SIGINT: ExitCode.SIGINT, signal.SIGTERM: ExitCode.SIGTERM}
_LAST = 3


class Interruption:
    """The signals that a master or a lone process has received, and what they cause."""

    def __init__(self, begun: Callable[[], bool], end: Callable[[], None], skip_grace: Callable[[], None]) -> None:
        """`begun()` is true once a test has begun; `end()` ends its load, `skip_grace()` the wait for answers."""
        self._begun = begun
        self._end = end
        self._skip_grace = skip_grace
        self._count = 0
        self.signal: signal.Signals | None = None
        for number in EXIT_CODES:
            gevent.signal_handler(number, self._on, number)

    @property
    def exit_code(self) -> int | None:
        """130 or 143 once a signal was received."""
        return EXIT_CODES[self.signal] if self.signal else None

    def _on(self, number: signal.Signals) -> None:
        self._count += 1
        self.signal = self.signal or number
        if self._count == 1:
            self._end()
            self._leave(number)
        elif self._count < _LAST:
            self._skip_grace()
        else:
            os._exit(EXIT_CODES[number])

    def _leave(self, number: signal.Signals) -> None:
        if not self._begun():
            raise SystemExit(EXIT_CODES[number])
        if number is signal.SIGINT:
            _throw_keyboard_interrupt()


def leave_ctrl_c_to_master(busy: Callable[[], bool]) -> None:
    """Ignore Ctrl-C in a busy worker: a terminal sends it to the whole group, but the master ends the run."""

    def on_sigint() -> None:
        if not busy():
            _throw_keyboard_interrupt()

    gevent.signal_handler(signal.SIGINT, on_sigint)


def _throw_keyboard_interrupt() -> None:
    """Throw it into the main greenlet. If raised here, gevent would do the same after printing a traceback."""
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
