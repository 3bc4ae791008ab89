"""A collector of metrics by OTLP over HTTP that tests ask what it has received; it can also misbehave."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from support import HttpServer

Point = Any
"""A point of whatever kind."""


class Received:
    """One request, decoded."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        (resource,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
        self.resource = _plain(resource.resource.attributes)
        self.scopes = [each.scope.name for each in resource.scope_metrics]
        metrics = [metric for each in resource.scope_metrics for metric in each.metrics]
        self.metrics: dict[str, Metric] = {metric.name: metric for metric in metrics}
        assert len(self.metrics) == len(metrics), "a metric may be told once"

    def points(self, name: str, **attributes: object) -> list[Point]:
        """The points of a metric with such attributes among theirs."""
        if name not in self.metrics:
            return []
        metric = self.metrics[name]
        found = getattr(metric, str(metric.WhichOneof("data"))).data_points
        return [point for point in found if attributes.items() <= _plain(point.attributes).items()]

    def value(self, name: str, **attributes: object) -> float:
        """The sum of those of a counter or gauge."""
        return sum(getattr(point, point.WhichOneof("value")) for point in self.points(name, **attributes))


class Collector:
    """Answers every request by `answer`, which may take its time, and keeps what it understood."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.requests = 0
        self.status = 200
        self.rejected = 0
        self.held = threading.Event()
        """Requests are answered once it is set."""
        self.held.set()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.requests += 1
        self.held.wait()
        if self.status == 200:
            self.received.append(Received(handler.path, dict(handler.headers), body))
        answer = ExportMetricsServiceResponse()
        if self.rejected:
            answer.partial_success.rejected_data_points = self.rejected
            answer.partial_success.error_message = "too many \x1b[31mseries"
        handler.send_response(self.status)
        handler.send_header("Location", "http://user:secret@elsewhere.example/v1/metrics")
        handler.send_header("Content-Type", "application/x-protobuf")
        data = answer.SerializeToString()
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


@contextmanager
def collector(prepare: Callable[[Collector], None] = lambda collector: None) -> Iterator[Collector]:
    """A collector on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HttpServer(("127.0.0.1", 0), Handler) as server:
        asked = Collector(f"http://127.0.0.1:{server.server_port}")
        prepare(asked)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield asked
        finally:
            asked.held.set()
            server.shutdown()
            serving.join()


def _plain(attributes: Any) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}
