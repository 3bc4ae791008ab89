"""Metrics of a client by OpenTelemetry's GenAI semantic conventions, in a pinned version."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from relayload.core.metrics.tokens import Tokens
from relayload.core.model.metric_points import Attributes, HistogramPoint, NumberPoint, Series
from relayload.core.model.semconv import Semconv
from relayload.core.model.tags import Tags
from relayload.core.stats.rebinned import Bounds, total_s
from relayload.report.live_metrics import Key, Placed, counts_of, sums
from relayload.report.metric_families import OVERFLOW

EMBEDDINGS = "embeddings"
"""The operation that has no tokens of output, and is no inference."""
BOUNDS_S = tuple(0.01 * 2**number for number in range(14))
"""The bounds that the conventions ask for, from 0.01 to 81.92 s."""
_BOUNDS = Bounds(BOUNDS_S)
_OVERFLOW: Key = (("otel.metric.overflow", "true"),)
_FAILED_FROM = 400


@dataclass(frozen=True, slots=True)
class Conventions:
    """Which conventions to follow, and what they ask for beside the tags of requests."""

    semconv: Semconv
    provider: str
    operations: Mapping[str, str]
    """By scenario: `chat` or `embeddings`."""
    servers: Mapping[str | None, tuple[str, int]]
    """Host and port of each target; None is the name of a single one."""

    def attributes(self, placed: Placed) -> Key:
        """Return the attributes of an operation, in the order of the conventions."""
        if placed.place and placed.place[0][0] == OVERFLOW:
            return _OVERFLOW
        tags = placed.tags
        host, port = self.servers[tags.plan_tags.target]
        told = {
            "gen_ai.operation.name": self.operations[tags.plan_tags.scenario],
            "gen_ai.provider.name": self.provider,
            "gen_ai.request.model": tags.plan_tags.model,
            "server.address": host,
            "server.port": str(port),
        }
        return tuple((told | ({"error.type": _error_type(tags)} if tags.failed else {})).items())

    def inference(self, placed: Placed) -> bool:
        return self.operations[placed.tags.plan_tags.scenario] != EMBEDDINGS

    def embeddings(self, placed: Placed) -> bool:
        return not self.inference(placed)


class _Duration(NamedTuple):
    """A histogram of the conventions, made of one of our metrics."""

    name: str
    metric: str
    help: str
    wanted: Callable[[Conventions, Placed], bool] = Conventions.inference


def _everything(_conventions: Conventions, _placed: Placed) -> bool:
    return True


_LATENCY = "From the intended start of a request to the last byte or the failure, every wait and retry inside."
_FIRST = "From the send of the answering attempt to the first chunk with content, reasoning or a tool call."
_CHUNK = "Between the chunks of a stream."
_NEW = (
    _Duration("gen_ai.client.inference.duration", "latency", _LATENCY),
    _Duration("gen_ai.client.operation.duration", "latency", _LATENCY, Conventions.embeddings),
    _Duration("gen_ai.client.inference.time_to_first_chunk", "ttft", _FIRST),
    _Duration("gen_ai.client.inference.time_per_output_chunk", "chunk_gap", _CHUNK),
)
_OLD = (
    _Duration("gen_ai.client.operation.duration", "latency", _LATENCY, _everything),
    _Duration("gen_ai.client.operation.time_to_first_chunk", "ttft", _FIRST),
    _Duration("gen_ai.client.operation.time_per_output_chunk", "chunk_gap", _CHUNK),
)
_USAGE = {
    "input_tokens": ("input", "Tokens of the input, those of the cache included."),
    "output_tokens": ("output", "Tokens of the output, those of reasoning included."),
    "cache_read.input_tokens": ("cached_input", "Tokens of the input that came out of a cache."),
    "reasoning.output_tokens": ("reasoning", "Tokens of the output that were reasoning."),
}
_TOKEN_TYPES: Mapping[str, Callable[[Tokens], tuple[int, int]]] = {
    "input": lambda tokens: (tokens.told, tokens.input),
    "output": lambda tokens: (tokens.with_output, tokens.output),
}
"""By type: the attempts whose tokens are known, and these."""


def gen_ai_series(ended: Sequence[Placed], conventions: Conventions) -> Iterator[Series]:
    """Yield every metric that has a value, one at a time."""
    semconv = conventions.semconv
    wanted = {one.name: one for one in (*(_NEW if semconv.new else ()), *(_OLD if semconv.old else ()))}
    for duration in wanted.values():
        if points := tuple(_points(duration, ended, conventions)):
            yield Series(name=duration.name, unit="s", help=duration.help, kind="histogram", histograms=points)
    if semconv.new:
        yield from _usage([each for each in ended if conventions.inference(each)], conventions)
    if semconv.old:
        points = tuple(_token_usage(ended, conventions))
        text = "Tokens used. No distribution: only the sum, and the number of attempts."
        yield Series(name="gen_ai.client.token.usage", unit="{token}", help=text, kind="histogram", histograms=points)


def _points(duration: _Duration, ended: Iterable[Placed], conventions: Conventions) -> Iterator[HistogramPoint]:
    parts = (
        (conventions.attributes(each), each.counts.histograms.get(duration.metric))
        for each in ended
        if duration.wanted(conventions, each)
    )
    for key, counts in counts_of(parts):
        within = tuple(_BOUNDS.counts(counts))
        yield HistogramPoint(_attributes(key), sum(within), total_s(counts), BOUNDS_S, within)


def _usage(ended: Sequence[Placed], conventions: Conventions) -> Iterator[Series]:
    for name, (kind, text) in _USAGE.items():
        found = sums(
            (_without_error(conventions.attributes(each)), getattr(each.counts.tokens, kind)) for each in ended
        )
        points = tuple(NumberPoint(_attributes(labels.items()), int(number)) for labels, number in found)
        if points:
            yield Series(
                name=f"gen_ai.client.inference.usage.{name}", unit="{token}", help=text, kind="counter", numbers=points
            )


def _token_usage(ended: Sequence[Placed], conventions: Conventions) -> Iterator[HistogramPoint]:
    for kind, known in _TOKEN_TYPES.items():
        totals: dict[Key, tuple[int, int]] = {}
        for each in ended:
            key = _without_error(conventions.attributes(each))
            count, total = totals.get(key, (0, 0))
            more, tokens = known(each.counts.tokens)
            totals[key] = count + more, total + tokens
        for key, (count, total) in totals.items():
            if count:
                yield HistogramPoint(_attributes(key) | {"gen_ai.token.type": kind}, count, total)


def _without_error(key: Key) -> Key:
    return tuple((name, value) for name, value in key if name != "error.type")


def _attributes(labels: Iterable[tuple[str, str]]) -> Attributes:
    found: Attributes = dict(labels)
    if "server.port" in found:
        found["server.port"] = int(found["server.port"])
    return dict.fromkeys(found, True) if "otel.metric.overflow" in found else found


def _error_type(tags: Tags) -> str:
    if tags.status is not None and tags.status >= _FAILED_FROM:
        return str(tags.status)
    return tags.kind or tags.outcome
