"""The options that serve the metrics of a run for Prometheus."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from relayload.locust_plugin.options import LINGER_S, LOOPBACK, MOST_LINGER_S, MOST_PORT, MetricsOptions

_OPTIONS = (
    click.option(
        "--metrics-port",
        type=click.IntRange(0, MOST_PORT),
        metavar="PORT",
        help="Serve metrics of the run for Prometheus on this port, at /metrics; 0 for any free one.",
    ),
    click.option("--metrics-host", metavar="ADDRESS", help=f"The address of that port; {LOOPBACK}."),
    click.option(
        "--metrics-linger",
        type=click.FloatRange(0, MOST_LINGER_S),
        metavar="SECONDS",
        help=f"How long a run that has ended waits for one more scrape at most; {LINGER_S:g}.",
    ),
)


def with_metrics_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb these options, as `metrics`."""

    @wraps(verb)
    def with_options(
        *, metrics_port: int | None, metrics_host: str | None, metrics_linger: float | None, **options: Any
    ) -> None:
        if metrics_port is None and (metrics_host is not None or metrics_linger is not None):
            raise click.UsageError("--metrics-host and --metrics-linger need --metrics-port PORT")
        linger_s = LINGER_S if metrics_linger is None else metrics_linger
        metrics = None if metrics_port is None else MetricsOptions(metrics_port, metrics_host or LOOPBACK, linger_s)
        verb(metrics=metrics, **options)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
