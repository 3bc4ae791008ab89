"""The counters and gauges of a run as observable instruments of the provider that Locust's own `--otel` sets up.

Histograms are missing: OpenTelemetry's API has none that can be observed. `otlp` sends them.
"""

from collections.abc import Callable, Iterable, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

import relayload
from relayload import clock
from relayload.core.model.metric_points import NumberPoint
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.metrics import so_far
from relayload.report.live_metrics import placed_of
from relayload.report.metric_families import NUMBERS, Family, Kind
from relayload.report.otel_series import number_points

_FRESH_S = 0.5
"""Longer than one collection takes, which asks each instrument in turn."""


class Instruments:
    """Answers for every instrument with the state of the latest run."""

    def __init__(self, latest: Callable[[], Controller | None]) -> None:
        """Register the instruments."""
        self._latest = latest
        self._points: dict[str, Sequence[NumberPoint]] = {}
        self._renewed_at_s = -_FRESH_S
        self._of: tuple[Controller | None, bool] | None = None
        """The run that they are of, and whether it was judged."""
        meter = metrics.get_meter("relayload", relayload.__version__)
        for family in NUMBERS:
            create = meter.create_observable_counter if family.kind is Kind.COUNTER else meter.create_observable_gauge
            create(family.otel_name, [self._callback(family)], family.unit, family.help)

    def _callback(self, family: Family) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observed(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(point.value, point.attributes) for point in self._known().get(family.stem, ())]

        return observed

    def _known(self) -> dict[str, Sequence[NumberPoint]]:
        now_s, run = clock.now_s(), self._latest()
        latest = run, run is not None and run.verdict is not None
        if latest != self._of or now_s >= self._renewed_at_s + _FRESH_S:
            self._of, self._renewed_at_s = latest, now_s
            state = None if run is None else so_far(run)
            self._points = (
                {} if state is None else {one.stem: points for one, points in number_points(state, placed_of(state))}
            )
        return self._points
