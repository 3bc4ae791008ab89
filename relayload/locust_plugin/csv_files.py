"""Completes Locust's CSV files: Locust writes them once a second, but not at the end, so the last second is missing."""

from locust import stats
from locust.env import Environment

from typing import Any

import gevent


def write_csv_to_the_end(environment: Environment) -> None:
    """Let the writer run once more when everything is counted, before its files are closed."""
    if getattr(environment.parsed_options, "csv_prefix", None):
        environment.events.quit.add_listener(_await_a_turn)


def _await_a_turn(**_: Any) -> None:
    gevent.sleep(stats.CSV_STATS_INTERVAL_SEC)
