"""The options that tell the metrics of a run while it goes on: served for Prometheus, sent by OTLP."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from relayload.locust_plugin.options import LINGER_S, LOOPBACK, MOST_LINGER_S, MOST_PORT, Exports, MetricsOptions
from relayload.locust_plugin.otlp_options import (
    INTERVAL_S,
    LEAST_INTERVAL_S,
    MOST_INTERVAL_S,
    OtlpOptions,
    WrongOtlp,
    otlp_options,
    unsent,
)

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
    click.option(
        "--otlp",
        metavar="URL",
        help="Send metrics of the run to this collector by OTLP over HTTP, such as http://127.0.0.1:4318.",
    ),
    click.option(
        "--otlp-interval",
        type=click.FloatRange(LEAST_INTERVAL_S, MOST_INTERVAL_S),
        metavar="SECONDS",
        help=f"How often; {INTERVAL_S:g}.",
    ),
)


def with_metrics_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb these options, as `exports`."""

    @wraps(verb)
    def with_options(
        *,
        metrics_port: int | None,
        metrics_host: str | None,
        metrics_linger: float | None,
        otlp: str | None,
        otlp_interval: float | None,
        **options: Any,
    ) -> None:
        if metrics_port is None and (metrics_host is not None or metrics_linger is not None):
            raise click.UsageError("--metrics-host and --metrics-linger need --metrics-port PORT")
        linger_s = LINGER_S if metrics_linger is None else metrics_linger
        metrics = None if metrics_port is None else MetricsOptions(metrics_port, metrics_host or LOOPBACK, linger_s)
        verb(exports=Exports(metrics, _otlp(otlp, otlp_interval)), **options)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _otlp(url: str | None, interval_s: float | None) -> OtlpOptions | None:
    try:
        found = otlp_options(url, interval_s, os.environ)
    except WrongOtlp as error:
        raise click.UsageError(f"--otlp: {error}") from None
    if found is None and (told := unsent(os.environ)):
        click.echo(f"relayload: {told}", err=True)
    return found
