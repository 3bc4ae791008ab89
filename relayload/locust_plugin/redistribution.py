"""Keeps Locust's redistribution of users from holding up a run.

When a worker joins, leaves or comes back, Locust distributes the users anew. Its master does so in the greenlet that
reads messages, and waits there for a second, in which no lease is renewed. Its workers build their parser of options
once for each option, which takes them more than half a second, in which nothing is sent.
"""

from locust import argument_parser
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner

from functools import cache
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore


def redistribute_users_aside(runner: MasterRunner, *, closed: bool) -> None:
    """Have a test that runs redistribute its users in a greenlet of its own; not at all if its load is not `closed`."""
    start, one_at_a_time = runner.start, BoundedSemaphore()

    def again(*arguments: Any, **named: Any) -> None:
        with one_at_a_time:
            if runner.state in (STATE_RUNNING, STATE_SPAWNING):
                start(*arguments, **named)

    def started(*arguments: Any, **named: Any) -> None:
        if runner.state not in (STATE_RUNNING, STATE_SPAWNING):
            start(*arguments, **named)
        elif closed:
            gevent.spawn(again, *arguments, **named)

    runner.start = started  # type: ignore[method-assign]


def remember_default_options() -> None:
    """Have this worker parse Locust's default options once and for all, now."""
    argument_parser.default_args_dict = cache(argument_parser.default_args_dict)
    argument_parser.default_args_dict()
