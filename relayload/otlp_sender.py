"""A process that sends metrics to a collector by OTLP, so that no load generator waits for one or encodes anything.

`python -m relayload.otlp_sender` has a socket as its stdin. It reads an endpoint from there, then readings in
MessagePack, each with its length before it. It acknowledges each in the same way, once the collector has taken it or
did not, and ends with the socket. Headers, time limits and certificates come from the environment, as OpenTelemetry
defines it.
"""

import logging
import os
import signal
import socket
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from relayload.core.model.frames import framed, next_frame
from relayload.core.model.metric_points import Acknowledgement, Reading, Series
from relayload.core.printable import one_line

_CUMULATIVE = AggregationTemporality.CUMULATIVE
_NICENESS = 10
_MOST_REASON = 200
_REDIRECTED, _REFUSED = 300, 400


class _Span(NamedTuple):
    """The time that the points of a reading cover, in nanoseconds since 1970."""

    start_time_unix_nano: int
    time_unix_nano: int


class _Watched(requests.Session):
    """A session that knows how its latest request went, as the exporter only logs that."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: str | None = "nothing was sent"

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            response = super().send(request, **options)
        except requests.RequestException as error:
            self.failure = _why(error)
            raise
        self.failure = _refusal(response)
        return response


def main() -> None:
    """Send what is asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the run, whose last state is to be sent
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # whose messages hold addresses with all they contain
    with suppress(OSError):
        os.nice(_NICENESS)
    with socket.socket(fileno=os.dup(0)) as asked, asked.makefile("rb") as reading, suppress(OSError):
        asked.setblocking(True)
        endpoint = next_frame(reading)
        if endpoint is None:
            return
        session = _Watched()
        exporter = OTLPMetricExporter(endpoint.decode(), session=session)
        while (frame := next_frame(reading)) is not None:
            answer = Acknowledgement(failure=_sent(msgspec.msgpack.decode(frame, type=Reading), exporter, session))
            asked.sendall(framed(msgspec.msgpack.encode(answer)))


def _sent(reading: Reading, exporter: OTLPMetricExporter, session: _Watched) -> str | None:
    """Return why a reading did not arrive; None if the collector has taken all of it."""
    session.failure = "it could not be encoded"
    result = exporter.export(_data(reading))
    if result is MetricExportResult.SUCCESS and session.failure is None:
        return None
    return session.failure or "the exporter gave up"


def _why(error: requests.RequestException) -> str:
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "it did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS failed"
    if isinstance(error, requests.ConnectionError):
        return "it can't be reached, or hung up"
    return type(error).__name__


def _refusal(response: requests.Response) -> str | None:
    """Return what is wrong with an answer; the exporter takes a redirect for success, and reads no body."""
    if response.status_code >= _REFUSED:
        return f"it answered with status {response.status_code}"
    if response.status_code >= _REDIRECTED:
        host = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2]
        return f"it redirected to {one_line(host) or 'elsewhere'}, which is not followed"
    try:
        partial = ExportMetricsServiceResponse.FromString(response.content).partial_success
    except DecodeError:  # no protobuf, and so no refusal that we could read
        return None
    if not partial.rejected_data_points:
        return None
    return f"it refused {partial.rejected_data_points} points: {one_line(partial.error_message, _MOST_REASON)}"


def _data(reading: Reading) -> MetricsData:
    span = _Span(reading.began_at_ns, reading.at_ns)
    told = reading.resource
    resource = Resource.create().merge(Resource(told.attributes)).merge(OTELResourceDetector().detect())
    metrics = [Metric(one.name, one.help, one.unit, _points(one, span)) for one in reading.series]
    scope = ScopeMetrics(InstrumentationScope("relayload", told.version), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _points(series: Series, span: _Span) -> Sum | Gauge | Histogram | ExponentialHistogram:
    if series.kind == "gauge":
        return Gauge([NumberDataPoint(one.attributes, *span, one.value) for one in series.numbers])
    if series.kind == "counter":
        return Sum([NumberDataPoint(one.attributes, *span, one.value) for one in series.numbers], _CUMULATIVE, True)
    if series.exponential:
        return ExponentialHistogram(_exponential(series, span), _CUMULATIVE)
    return Histogram(
        [
            HistogramDataPoint(
                one.attributes,
                *span,
                count=one.count,
                sum=one.sum,
                bucket_counts=one.counts,
                explicit_bounds=one.bounds,
                min=None,  # type: ignore[arg-type]  # optional on the wire, and not known
                max=None,  # type: ignore[arg-type]
            )
            for one in series.histograms
        ],
        _CUMULATIVE,
    )


def _exponential(series: Series, span: _Span) -> list[ExponentialHistogramDataPoint]:
    return [
        ExponentialHistogramDataPoint(
            one.attributes,
            *span,
            count=one.count,
            sum=one.sum,
            scale=one.scale,
            zero_count=one.zero,
            positive=Buckets(one.offset, one.counts),
            negative=Buckets(0, ()),
            flags=0,
            min=one.low,
            max=one.high,
        )
        for one in series.exponential
    ]


if __name__ == "__main__":
    main()
