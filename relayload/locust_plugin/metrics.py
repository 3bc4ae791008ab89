"""Metrics of the current or latest run for Prometheus: on a port of their own, and on Locust's page.

They are made of the merged snapshot when somebody asks; nobody who sends requests takes part. Whatever goes wrong here
is told, and no more.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client import Metric as MetricFamily
from prometheus_client.registry import Collector

import relayload
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.units import format_duration
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.objectives_so_far import PAUSE_S
from relayload.locust_plugin.options import MetricsOptions
from relayload.report.live_metrics import live_metrics

_LOG = logging.getLogger("relayload")
_MOST_CONNECTIONS = 64
_PATH = "/metrics"
_TEXT = [("Content-Type", "text/plain; charset=utf-8")]


class RunMetrics(Collector):
    """Collects the metrics of the latest run, and answers with them."""

    def __init__(self, latest: Callable[[], Controller | None]) -> None:
        self._latest = latest
        self._failed = False
        registry = CollectorRegistry()
        registry.register(self)
        self._app = make_wsgi_app(registry, disable_compression=True)  # which would hold up the load generator

    def collect(self) -> Iterator[MetricFamily]:
        """Yield all families of the latest run; requests that are due in between go first."""
        run = self._latest()
        for family in () if run is None else live_metrics(so_far(run)):
            yield family
            gevent.sleep(PAUSE_S)

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, as a WSGI application."""
        try:
            return list(self._app(environ, start_response))
        except Exception as error:
            if not self._failed:
                _LOG.warning("metrics: %r; the run goes on without them", error)
            self._failed = True
            start_response("500 Internal Server Error", _TEXT)
            return [b"the metrics failed: see the log of the run\n"]


class MetricsServer:
    """Serves the metrics on a port, and keeps the last state for a moment."""

    def __init__(self, latest: Callable[[], Controller | None], options: MetricsOptions) -> None:
        """Listen. Raises OSError if the address can't be had."""
        self._latest = latest
        self._options = options
        self._metrics = RunMetrics(latest)
        self._judged: Controller | None = None
        """The run whose last state was scraped."""
        self._scraped = Event()
        self._server = WSGIServer(
            (options.host, options.port), self._answer, log=None, error_log=None, spawn=Pool(_MOST_CONNECTIONS)
        )
        self._server.start()
        _LOG.info("metrics at %s", self.url)

    @property
    def url(self) -> str:
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        return f"http://{host}:{self._server.server_port}{_PATH}"

    def linger(self) -> None:
        """Wait until the state of the latest run has been scraped once since its verdict, in bounds."""
        run, most_s = self._latest(), self._options.linger_s
        if run is None or run.verdict is None or run is self._judged or not most_s:
            return
        _LOG.info("metrics stay at %s until they are scraped once more, at most %s", self.url, format_duration(most_s))
        self._scraped.clear()
        self._scraped.wait(most_s)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        if environ["PATH_INFO"] != _PATH:
            start_response("404 Not Found", _TEXT)
            yield f"the metrics are at {_PATH}\n".encode()
            return
        run = self._latest()
        judged = run is not None and run.verdict is not None
        yield from self._metrics.app(environ, start_response)
        if judged:  # and the answer is sent by now
            self._judged = run
            self._scraped.set()


def so_far(run: Controller) -> RunSoFar:
    """Return what is known of a run now."""
    verdict = run.verdict
    return RunSoFar(
        merged=run.merged,
        progress=run.progress(),
        objectives=run.objectives_so_far() if verdict is None else verdict.objectives,
        version=relayload.__version__,
        caps=run.caps,
        summary=run.summary,
        verdict=verdict,
    )
