"""Ctrl-C, SIGTERM and SIGHUP: the first ends the run in order, the second waits for nothing, the third is final.

gevent passes a KeyboardInterrupt or SystemExit from a signal's greenlet to the main greenlet, where Locust shuts down
on the one and exits at once on the other. Once a run has begun, Locust handles SIGTERM as well.
"""

import math
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import gevent

from relayload import clock
from relayload.core.exit_codes import INTERRUPTIONS
from relayload.ending_signals import ending_signals

_LAST = 3
_ONE_S = 0.1
"""Within it a SIGTERM that comes again is the same one: a service manager sends it to every process of a run, of which
one passes it on."""


class Interruption:
    """The signals that a master or a lone process has received, and what they cause."""

    def __init__(
        self,
        begun: Callable[[], bool],
        end: Callable[[], None],
        skip_grace: Callable[[], None],
        last_words: Callable[[str], None],
    ) -> None:
        """`begun()` is true once Locust handles what ends it: SIGTERM, and a KeyboardInterrupt.

        `end()` ends the load of a test, and `skip_grace()` the wait for answers. `last_words(signal)` tells of a run
        that is not waited for any more.
        """
        self._begun = begun
        self._end = end
        self._skip_grace = skip_grace
        self._last_words = last_words
        self._count = 0
        self._sigterm_at_s = -math.inf
        self.signal: signal.Signals | None = None
        self._exit_codes = ending_signals()
        for number in self._exit_codes:
            gevent.signal_handler(number, self._on, number)

    @property
    def exit_code(self) -> int | None:
        """129, 130 or 143 once a signal was received."""
        return self._exit_codes[self.signal] if self.signal else None

    def _on(self, number: signal.Signals) -> None:
        if self._is_repeated(number):
            return
        self._count += 1
        self.signal = self.signal or number
        if self._count == 1:
            self._end()
            self._leave(number)
        elif self._count < _LAST:
            self._skip_grace()
        else:
            with suppress(OSError):  # nobody may be there to read them
                self._last_words(INTERRUPTIONS[self._exit_codes[number]])
            os._exit(self._exit_codes[number])

    def _is_repeated(self, number: signal.Signals) -> bool:
        """Return whether nobody insists: a lost terminal sends SIGHUP again and again, from the shell and itself."""
        if number is signal.SIGHUP:
            return self._count > 0
        if number is not signal.SIGTERM:
            return False
        before_s, self._sigterm_at_s = self._sigterm_at_s, clock.now_s()
        return self._sigterm_at_s - before_s < _ONE_S

    def _leave(self, number: signal.Signals) -> None:
        if not self._begun():
            raise SystemExit(self._exit_codes[number])
        if number is not signal.SIGTERM:
            _throw_keyboard_interrupt()


def leave_signals_to_master(busy: Callable[[], bool]) -> None:
    """Ignore Ctrl-C and SIGHUP in a busy worker: a terminal sends them to the whole group; the master ends the run."""

    def on_signal() -> None:
        if not busy():
            _throw_keyboard_interrupt()

    for number in ending_signals():
        if number is not signal.SIGTERM:
            gevent.signal_handler(number, on_signal)


def _throw_keyboard_interrupt() -> None:
    """Throw it into the main greenlet. If raised here, gevent would do the same after printing a traceback."""
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
