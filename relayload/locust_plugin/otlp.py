"""Sends the metrics of a run to a collector by OTLP: at an interval while it goes on, and once more when it is judged.

The numbers are those of the merged snapshot; `otlp_sender`, a process of its own, encodes and sends them. So a
collector that is slow or gone holds up nothing, and whatever goes wrong here is told, and no more.
"""

import logging
import os
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import gevent
import msgspec
from gevent.event import Event
from gevent.lock import BoundedSemaphore

import relayload
from relayload import clock
from relayload.core.model.metric_points import Acknowledgement, Reading, Resource, Series
from relayload.core.model.run import RunInfo
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.helper_process import HelperProcess
from relayload.locust_plugin.metrics import so_far
from relayload.locust_plugin.objectives_so_far import PAUSE_S
from relayload.locust_plugin.otlp_options import OtlpOptions
from relayload.profile import Profile
from relayload.report.gen_ai import Conventions
from relayload.report.otel_series import otel_series
from relayload.transport.origin import origin_of

_LOG = logging.getLogger("relayload")
_TIMEOUT_S, _MOST_TIMEOUT_S = 10.0, 30.0
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_INTERRUPTED_S = 3.0
"""How long a run that was interrupted waits for its last state to arrive, at most."""
_GONE = "the process that sends is gone"


class OtlpExport:
    """Sends the state of the latest run again and again, and its last one for sure, or tells that it did not arrive."""

    def __init__(self, latest: Callable[[], Controller | None], profile: Profile, options: OtlpOptions) -> None:
        self._latest = latest
        self._profile = profile
        self._interval_s = options.interval_s
        self._endpoint = options.endpoint(os.environ)
        self._where = _shown(self._endpoint)
        self._sending = BoundedSemaphore()
        self._ended: Controller | None = None
        """The run whose last state was dealt with."""
        self._exports = self._arrived = 0
        self._latest_failure = ""
        self._stopped = Event()
        self._sender: HelperProcess | None = _sender(self._endpoint)
        gevent.spawn(self._run)
        _LOG.info("otlp: sending metrics to %s every %gs", self._where, self._interval_s)

    def finish(self, run: Controller, *, interrupted: bool) -> None:
        """Send the last state of a run, and wait in bounds until it has arrived."""
        if run is self._ended:
            return
        self._ended = run
        most_s = _INTERRUPTED_S if interrupted else _timeout_s(os.environ) + 1.0
        arrived = False
        with gevent.Timeout(most_s, False):
            arrived = self._export(run)
        if not arrived:
            self._end_sender()  # which may be in the middle of something, or stuck
        if failed := self._exports - self._arrived:
            last = "and the last state arrived" if arrived else "and the last state did not arrive"
            why = self._latest_failure or f"it took longer than {most_s:g}s"
            _LOG.warning("otlp: %d of %d exports to %s failed, %s: %s", failed, self._exports, self._where, last, why)
        self._exports = self._arrived = 0
        self._latest_failure = ""

    def close(self) -> None:
        """End the process that sends."""
        self._stopped.set()
        self._end_sender()

    def _end_sender(self) -> None:
        if self._sender is not None:
            self._sender.end()
        self._sender = None

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            run = self._latest()
            if run is not None and run is not self._ended and run.verdict is None:
                self._export(run)

    def _export(self, run: Controller) -> bool:
        """Send a state, after that which is on its way; return whether it has arrived."""
        self._exports += 1
        with self._sending:
            failure = self._failure_of(run)
        if failure is None:
            self._arrived += 1
        else:
            self._tell(failure)
        return failure is None

    def _failure_of(self, run: Controller) -> str | None:
        try:
            self._sender = self._sender or _sender(self._endpoint)
            answer = self._sender.answer(msgspec.msgpack.encode(self._reading(run)))
            if answer is None:
                self._end_sender()  # and the next export begins another
                return _GONE
            return msgspec.msgpack.decode(answer, type=Acknowledgement).failure
        except OSError as error:
            return f"{_GONE}: {error.strerror or error}"
        except Exception as error:
            return repr(error)

    def _tell(self, failure: str) -> None:
        if not self._latest_failure:
            _LOG.warning("otlp: metrics did not arrive at %s: %s; the run goes on", self._where, failure)
        self._latest_failure = failure

    def _reading(self, run: Controller) -> Reading:
        """Return the state; requests that are due in between go first."""
        series: list[Series] = []
        for one in otel_series(so_far(run), conventions(self._profile, run.info)):
            series.append(one)
            gevent.sleep(PAUSE_S)
        began_at = datetime.fromisoformat(run.info.started_at)
        return Reading(
            resource=_resource(run.info),
            began_at_ns=round(began_at.timestamp() * 1e9),
            at_ns=clock.wall_ns(),
            series=tuple(series),
        )


def _sender(endpoint: str) -> HelperProcess:
    """Return the process that sends, unheard: its libraries may say the address with all that is in it."""
    sender = HelperProcess("relayload.otlp_sender", stderr=subprocess.DEVNULL)
    sender.tell(endpoint.encode())
    return sender


def conventions(profile: Profile, run: RunInfo) -> Conventions:
    """Return what the GenAI conventions ask for beside the tags of requests."""
    urls: dict[str | None, str] = {None: run.base_url}
    urls |= {name: target.base_url for name, target in run.targets.items()}
    origins = {name: origin_of(url) for name, url in urls.items()}
    return Conventions(
        semconv=profile.telemetry.semconv,
        provider=profile.telemetry.provider,
        operations={name: scenario.endpoint.operation for name, scenario in profile.scenarios.items()},
        servers={name: (origin.host, origin.port) for name, origin in origins.items()},
    )


def _resource(run: RunInfo) -> Resource:
    """Return what the counts are of: one run, whose counters begin at 0 and are those of all its workers together."""
    return Resource(
        attributes={
            "service.name": "relayload",
            "service.instance.id": str(UUID(run.uid)),
            "service.version": relayload.__version__,
            "relayload.run.id": run.run_id,
            "relayload.profile": run.profile.name,
        },
        version=relayload.__version__,
    )


def _shown(endpoint: str) -> str:
    """Return an address without what might be a key."""
    return urlsplit(endpoint)._replace(query="").geturl()


def _timeout_s(environ: Mapping[str, str]) -> float:
    text = next((environ[name] for name in _TIMEOUTS if environ.get(name)), "")
    try:
        seconds = float(text or _TIMEOUT_S)
    except ValueError:
        return _TIMEOUT_S
    return seconds if 0 < seconds <= _MOST_TIMEOUT_S else _MOST_TIMEOUT_S
