"""The charts of a capacity search: how it went, where the objectives break, and what trials measured by their level."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.frontier import FrontierPoint
from relayload.core.capacity.levels import Over
from relayload.core.capacity.measures import Measures
from relayload.core.capacity.trial import Trial
from relayload.core.metrics.metric import Unit
from relayload.report.capacity import decided, trial_row
from relayload.report.capacity_findings import measure_headings, measure_row
from relayload.report.html.marks import Shape, mark
from relayload.report.html.plot import Absent, Figure
from relayload.report.html.scale import Linear, Log, value_scale
from relayload.report.html.scatter import Level, Point, Scatter
from relayload.report.html.svg import element, joined, tick_text

_RANGE_WIDTH, _RANGE_HEIGHT = 180.0, 16.0
_USED = "used"
_NO_MEASURES = "the trials have none: they are of an earlier version, or too large to keep each request"


class CapacityCharts:
    """Draws one search, by the trials that are shown."""

    def __init__(self, capacity: Capacity, trials: Sequence[Trial], measured: Sequence[tuple[Trial, Measures]]) -> None:
        self._capacity, self._trials, self._measured = capacity, trials, measured
        self._over = capacity.over
        users = capacity.over is Over.USERS
        self._proven = capacity.proven_users if users else capacity.proven_per_s
        self._refuted = capacity.refuted_users if users else capacity.refuted_per_s
        self._likeliest = capacity.estimate_users if users else capacity.estimate_per_s

    def search(self) -> Iterator[Figure | Absent]:
        """Yield how the search went, and where the objectives break."""
        yield Scatter(
            "Trials in their order",
            "each mark is a trial at its level, the first one on top",
            [
                Point(trial.level, float(trial.number), _shape(trial), self._name(trial), trial_row(trial)[2:5])
                for trial in self._trials
            ],
            self._level_text,
            lambda number: f"{number:.0f}",
            ("for", "to", "verdict"),
            upright=self._levels(),
            between=self._interval(),
            in_rows=True,
            log_x=True,
            absent="no trial has ended",
        ).figure()
        used = [(trial, trial.used) for trial in self._trials if trial.used]
        left = len(self._trials) - len(used)
        without = f"; {left} without such a number left out" if left else ""
        yield Scatter(
            "Part of the budget that was used",
            f"by the objective that binds: above 100% it is broken{without}",
            [
                Point(trial.level, share, _shape(trial), self._name(trial), (*trial_row(trial)[5:7],))
                for trial, share in used
            ],
            self._level_text,
            lambda share: f"{share * 100:,.4g}%",
            ("binds", _USED),
            across=[Level("100%", 1.0, "limit")],
            between=self._interval(),
            log=True,
            log_x=True,
            absent="none was used, or what binds has no budget and no limit",
        ).figure()

    def findings(self) -> Iterator[Figure | Absent]:
        """Yield what trials measured: requests in flight, TTFT and dollars."""
        flights = [(trial, measures.in_flight) for trial, measures in self._measured if measures.in_flight]
        yield Scatter(
            "Requests in flight by rate",
            "dashed: completions/s × mean latency, which is equal in a steady state (Little's law)",
            [
                Point(
                    trial.rate_per_s,
                    found.mean,
                    _shape(trial),
                    self._name(trial),
                    self._cells(trial, "in flight", "law"),
                    beside=found.ended_per_s * found.mean_latency_s,
                )
                for trial, found in flights
            ],
            _rate_text,
            lambda count: tick_text(count, Unit.COUNT) if count >= 1 or not count else f"{count:.2g}",
            ("in flight", "law"),
            absent=_NO_MEASURES,
        ).figure()
        yield self._throughput()
        yield Scatter(
            "Dollars for a thousand good requests by rate",
            "good: ended ok within the limits of all objectives that one request can meet or break",
            [
                Point(
                    trial.rate_per_s,
                    measures.usd_per_1000_good,
                    _shape(trial),
                    self._name(trial),
                    self._cells(trial, "$/1,000 good"),
                )
                for trial, measures in self._measured
                if measures.usd_per_1000_good is not None
            ],
            _rate_text,
            lambda usd: f"${usd:,.4g}",
            ("$/1,000 good",),
            absent="prices or tokens are unknown, or no request was good",
        ).figure()

    def _throughput(self) -> Figure | Absent:
        """Return the first token against the tokens; the answer, where nothing streams."""
        streamed = any(measures.ttft_p99_s is not None for _, measures in self._measured)
        name = "TTFT p99" if streamed else "latency p99"
        there = [
            (trial, measures.output_tokens_per_s, measures.ttft_p99_s if streamed else measures.latency_p99_s)
            for trial, measures in self._measured
        ]
        return Scatter(
            f"{name} by output tokens per second",
            "what more throughput costs in time",
            [
                Point(tokens, seconds, _shape(trial), self._name(trial), self._cells(trial, "tokens/s", name))
                for trial, tokens, seconds in there
                if tokens is not None and seconds is not None
            ],
            lambda tokens: f"{tokens:,.4g}/s",
            lambda seconds: tick_text(seconds, Unit.SECONDS),
            ("tokens/s", name),
            log=True,
            absent=_NO_MEASURES,
        ).figure()

    def frontier(self, points: Sequence[FrontierPoint]) -> list[Markup]:
        """Return for each point a drawing of where it holds and fails, all on one axis."""
        levels = [level for point in points for level in (point.holds_at, point.fails_at) if level]
        x = value_scale(levels, 8.0, _RANGE_WIDTH - 8, log=True)
        return [self._drawn(point, x) for point in points]

    def _drawn(self, point: FrontierPoint, x: Linear | Log) -> Markup:
        y = _RANGE_HEIGHT / 2
        parts = [element("line", class_="axis", x1=0, x2=_RANGE_WIDTH, y1=y, y2=y)]
        if point.holds_at and point.fails_at:
            left, right = x.at(point.holds_at), x.at(point.fails_at)
            parts.append(element("rect", class_="between", x=left, y=2, width=right - left, height=_RANGE_HEIGHT - 4))
        ends = (
            (point.holds_at, Shape.PROVEN if point.proven else Shape.PASS, "holds"),
            (point.fails_at, Shape.REFUTED if point.refuted else Shape.FAIL, "fails"),
        )
        words = [f"{how} at {self._over.told(level)}" for level, _, how in ends if level]
        parts += [
            mark(shape, x.at(level), y, f"{how} at {self._over.told(level)}") for level, shape, how in ends if level
        ]
        return element(
            "svg", joined(parts), class_="levels", viewBox=f"0 0 {_RANGE_WIDTH:g} {_RANGE_HEIGHT:g}", role="img",
            aria_label=", ".join(words) or "unknown",
        )  # fmt: skip

    def _levels(self) -> list[Level]:
        """Return what was found, the highest first."""
        found = (
            ("proven", self._proven, "pass"),
            ("likeliest", self._likeliest, "plain"),
            ("refuted", self._refuted, "limit"),
        )
        levels = [
            Level(f"{name} {self._over.told(level)}", float(level), tone)
            for name, level, tone in found
            if level is not None
        ]
        ceiling = self._capacity.ceiling
        levels += [] if ceiling is None else [Level(f"quota {ceiling}", ceiling.per_s, "limit")]
        return sorted(levels, key=lambda level: -level.value)

    def _interval(self) -> tuple[float, float] | None:
        if self._proven is None or self._refuted is None:
            return None
        return float(self._proven), float(self._refuted)

    def _level_text(self, level: float) -> str:
        return f"{level:.4g}" if self._over is Over.USERS else _rate_text(level)

    def _name(self, trial: Trial) -> str:
        return f"trial {trial.number}, {self._over.told(trial.level)} {decided(trial)}"

    def _cells(self, trial: Trial, *names: str) -> tuple[str, ...]:
        """Return cells of the table of what trials measured, by their headings."""
        assert trial.measures is not None
        over = Over.RATE if trial.users is None else Over.USERS
        by_name = dict(zip(measure_headings(over), measure_row(trial, trial.measures), strict=True))
        return tuple(by_name[name] for name in names)


def _shape(trial: Trial) -> Shape:
    return Shape(decided(trial))


def _rate_text(per_s: float) -> str:
    return f"{per_s:.4g}/s"
