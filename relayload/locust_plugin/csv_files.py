"""Locust's CSV files, whose last second Locust leaves out: its writer has a turn each second, and none at the end."""

from locust import stats
from locust.env import Environment

from typing import Any

import gevent


def write_csv_to_the_end(environment: Environment) -> None:
    """Give the writer one more turn once all is counted, before its files are closed."""
    if getattr(environment.parsed_options, "csv_prefix", None):
        environment.events.quit.add_listener(_await_a_turn)


def _await_a_turn(**_: Any) -> None:
    gevent.sleep(stats.CSV_STATS_INTERVAL_SEC)
