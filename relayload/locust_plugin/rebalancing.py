"""Lets Locust redistribute users while a test runs without holding up the messages of the workers.

When a worker joins, leaves or comes back, Locust's master starts users anew in the greenlet that reads messages, and
waits there until all workers have told how many they have: a second at least, in which no lease is renewed.
"""

from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner

from typing import Any

import gevent
from gevent.lock import BoundedSemaphore


def redistribute_users_aside(runner: MasterRunner) -> None:
    """Have a test that runs redistribute its users in a greenlet of its own, one time after the other."""
    start, one_at_a_time = runner.start, BoundedSemaphore()

    def again(*arguments: Any, **named: Any) -> None:
        with one_at_a_time:
            if runner.state in (STATE_RUNNING, STATE_SPAWNING):
                start(*arguments, **named)

    def started(*arguments: Any, **named: Any) -> None:
        if runner.state in (STATE_RUNNING, STATE_SPAWNING):
            gevent.spawn(again, *arguments, **named)
        else:
            start(*arguments, **named)

    runner.start = started  # type: ignore[method-assign]
