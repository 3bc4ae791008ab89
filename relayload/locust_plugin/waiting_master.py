"""Keeps a headless master that waits for its workers able to hear them.

When the last connected worker quits, Locust's master quits, too, even before its test: it no longer reads messages, but
waits for workers for ever. One that was refused, or stopped by hand, must not do that to those that come later.
"""

from locust.runners import STATE_INIT, MasterRunner

import gevent


def wait_on_when_workers_quit(runner: MasterRunner) -> None:
    """Have the reader of messages end nothing before the first test."""
    quit_runner = runner.quit

    def quit_unless_waiting() -> None:
        if runner.state != STATE_INIT or gevent.getcurrent() not in runner.greenlet:
            quit_runner()

    runner.quit = quit_unless_waiting  # type: ignore[method-assign]
