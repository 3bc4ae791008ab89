"""Failed calls of users: one row in Locust's failures for each kind of failure, and no traceback for each call."""

from locust import User
from locust.env import Environment

import logging
import re
from typing import Any
from weakref import WeakSet

from gevent import get_hub

from relayload.client.errors import CallFailed
from relayload.client.hints import place_hint
from relayload.core.printable import one_line
from relayload.locust_plugin.locust_stats import RequestFailed

_WITH_DIGITS = re.compile(r"\S*\d\S*")
_LONGEST = 160


def call_failed(model: str, error: CallFailed, base_url: str) -> RequestFailed:
    """Return a failed call as Locust's table shows it, with its error as the cause.

    The table has a row for each text, so ids, times and counts are left out of the relay's message.
    """
    text = error.message
    if error.attempts:
        last = error.attempts[-1]
        hint = place_hint(base_url, error.kind, last)
        text = ": ".join(filter(None, (model, error.kind, last.error, _alike(last.relay_message or ""), hint)))
    row = RequestFailed(text)
    row.__cause__ = error
    return row


def log_no_failed_calls(environment: Environment, user_class: type[User]) -> None:
    """Keep Locust from logging a traceback when a failed call ends a task of these users: it has a row already."""
    counted: WeakSet[CallFailed] = WeakSet()

    def on_user_error(user_instance: Any, exception: Exception, **_: Any) -> None:
        user = getattr(user_instance, "user", user_instance)  # Locust hands over the task set
        if isinstance(exception, CallFailed) and isinstance(user, user_class):
            counted.add(exception)

    def is_news(record: logging.LogRecord) -> bool:
        return not (isinstance(record.args, tuple) and record.args and record.args[0] in counted)

    environment.events.user_error.add_listener(on_user_error)
    logging.getLogger("locust.user.task").addFilter(is_news)


def print_no_traceback_of(error_type: type[Exception]) -> None:
    """Keep gevent from printing a traceback that Locust logs in a line of its own."""
    hub = get_hub()
    if error_type not in hub.NOT_ERROR:
        hub.NOT_ERROR = (*hub.NOT_ERROR, error_type)


def _alike(message: str) -> str:
    return one_line(_WITH_DIGITS.sub("…", " ".join(message.split())), _LONGEST)
