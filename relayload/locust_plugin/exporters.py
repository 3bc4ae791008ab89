"""The exporters of metrics on a master: a port for Prometheus, a sender by OTLP, and Locust's own OpenTelemetry."""

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent

from relayload.core.exit_codes import ExitCode
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.options import OWN_MESSAGE, Exports, MetricsOptions
from relayload.locust_plugin.otlp_options import OtlpOptions, unsent
from relayload.locust_plugin.served_ports import not_served
from relayload.profile import Profile

if TYPE_CHECKING:
    from relayload.locust_plugin.metrics import MetricsServer
    from relayload.locust_plugin.otlp import OtlpExport

_LOG = logging.getLogger("relayload")
Latest = Callable[[], Controller | None]


class Exporters:
    """Whatever exports the state of the latest run, if anything does."""

    def __init__(self, latest: Latest, profile: Profile, exports: Exports, *, otel: bool, launched: bool) -> None:
        """`otel` is Locust's option of that name. The launcher of a `launched` run tells what is unsent."""
        self._latest = latest
        self._profile = profile
        self._exports = exports
        self._otel = otel
        self._launched = launched
        self._metrics: MetricsServer | None = None
        self._otlp: OtlpExport | None = None

    def begin(self) -> None:
        """Export from now on. Exits with code 2 if the address for Prometheus can't be had."""
        if self._exports.prometheus is not None:
            self._metrics = _metrics_server(self._latest, self._exports.prometheus)
        if self._exports.otlp is not None:
            self._otlp = _otlp_export(self._latest, self._profile, self._exports.otlp)
        if self._otel:
            _join_locusts_exporter(self._latest)
        elif self._exports.otlp is None and not self._launched and (told := unsent(os.environ)):
            _LOG.warning("otlp: %s", told)

    def finish(self, run: Controller, *, interrupted: bool, wait: bool) -> None:
        """Send the last state of a run, and `wait` in bounds for that if the process is to end then.

        Whoever waits at the page does not wait for a collector.
        """
        if self._otlp is None:
            return
        sending = gevent.spawn(self._otlp.finish, run, interrupted=interrupted)
        if wait:
            sending.join()

    def linger(self) -> None:
        """Wait, in bounds, until Prometheus has scraped the state of a run that is judged."""
        if self._metrics is not None:
            self._metrics.linger()

    def close(self) -> None:
        """End what sends."""
        if self._otlp is not None:
            self._otlp.close()


def _metrics_server(latest: Latest, options: MetricsOptions) -> "MetricsServer":
    from relayload.locust_plugin.metrics import MetricsServer  # whose libraries other runs have no use for

    try:
        return MetricsServer(latest, options)
    except OSError as error:
        sys.stderr.write(f"{OWN_MESSAGE}{not_served('metrics', options.host, options.port, error)}\n")
        raise SystemExit(ExitCode.BAD_INPUT) from None


def _otlp_export(latest: Latest, profile: Profile, options: OtlpOptions) -> "OtlpExport":
    from relayload.locust_plugin.otlp import OtlpExport  # whose libraries other runs have no use for

    return OtlpExport(latest, profile, options)


def _join_locusts_exporter(latest: Latest) -> None:
    try:
        from relayload.locust_plugin.otel_instruments import Instruments
    except ImportError:
        return  # which Locust has told
    Instruments(latest)
