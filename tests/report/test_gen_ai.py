"""The names, attributes and numbers of the GenAI conventions, in each pinned version."""

import pytest

from relayload.core.model.metric_points import Series
from relayload.core.model.record import Outcome
from relayload.core.model.semconv import Semconv
from relayload.report.gen_ai import BOUNDS_S, Conventions, gen_ai_series
from relayload.report.live_metrics import MOST_PLACES, ended_of, placed_of

_CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "o3",
    "server.address": "relay.example",
    "server.port": 8443,
}
_USAGE = "gen_ai.client.inference.usage."
_NEW = {
    "gen_ai.client.inference.duration",
    "gen_ai.client.inference.time_to_first_chunk",
    *(f"{_USAGE}{name}_tokens" for name in ("input", "output", "cache_read.input", "reasoning.output")),
}
_OLD = {
    "gen_ai.client.operation.duration",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.client.token.usage",
}


def _told(run, semconv=Semconv.GENAI_0_1, **operations: str) -> dict[str, Series]:
    servers = {None: ("relay.example", 8443), "b": ("b.example", 443)}
    conventions = Conventions(semconv, "openai", {"simple": "chat"} | operations, servers)
    found = [*gen_ai_series(ended_of(placed_of(run)), conventions)]
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


@pytest.mark.parametrize(
    ("semconv", "names"),
    [
        (Semconv.GENAI_0_1, _NEW),
        (Semconv.OTEL_1_41, _OLD),
        (Semconv.BOTH, _NEW | _OLD),
        (Semconv.NONE, set()),
    ],
)
def test_a_version_has_its_names_and_no_others(so_far, some_lines, semconv, names):
    assert set(_told(so_far(some_lines), semconv)) == names


def test_gaps_of_chunks_are_told_where_an_objective_asks_for_them(so_far, request_line):
    run = so_far([request_line(0, chunk_gaps=(500, 2, 600, 1))], ["chunk_gap.p99 < 1s"])
    assert "gen_ai.client.inference.time_per_output_chunk" in _told(run)
    assert "gen_ai.client.operation.time_per_output_chunk" in _told(run, Semconv.OTEL_1_41)


def test_durations_have_the_required_attributes_and_bounds(so_far, judged, some_lines):
    summary, _ = judged([], some_lines)
    ok, refused = _told(so_far(some_lines))["gen_ai.client.inference.duration"].histograms
    assert ok.attributes == _CHAT
    assert refused.attributes == _CHAT | {"error.type": "429"}
    assert (ok.count, refused.count) == (summary.counts.ok, summary.counts.by_outcome["rate_limited"])
    assert ok.bounds == BOUNDS_S
    assert (BOUNDS_S[0], BOUNDS_S[-1]) == (0.01, pytest.approx(81.92))
    assert sum(ok.counts) == ok.count
    assert len(ok.counts) == len(BOUNDS_S) + 1
    assert ok.sum == pytest.approx(summary.metrics.latency.mean * ok.count, rel=0.004)


def test_a_failure_without_a_status_has_its_kind(so_far, request_line):
    lines = [request_line(0, outcome=Outcome.TIMED_OUT, status=None, error="timeout")]
    (point,) = _told(so_far(lines))["gen_ai.client.inference.duration"].histograms
    assert point.attributes["error.type"] == "timed_out"


def test_tokens_are_those_of_the_summary(so_far, judged, some_lines):
    summary, _ = judged([], some_lines)
    told = _told(so_far(some_lines), Semconv.BOTH)
    for name, tokens in (("input", summary.tokens.input), ("output", summary.tokens.output)):
        (point,) = told[f"{_USAGE}{name}_tokens"].numbers
        assert point.attributes == _CHAT
        assert point.value == tokens
        (usage,) = (
            p for p in told["gen_ai.client.token.usage"].histograms if p.attributes["gen_ai.token.type"] == name
        )
        assert usage.sum == tokens
        assert (usage.bounds, usage.counts) == ((), ())


def test_embeddings_keep_the_name_of_operations(so_far, request_line):
    run = so_far([request_line(0), request_line(1, scenario="vectors")])
    told = _told(run, vectors="embeddings")
    (chat,) = told["gen_ai.client.inference.duration"].histograms
    (vectors,) = told["gen_ai.client.operation.duration"].histograms
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert vectors.attributes["gen_ai.operation.name"] == "embeddings"
    both = _told(run, Semconv.BOTH, vectors="embeddings")["gen_ai.client.operation.duration"].histograms
    assert [point.attributes["gen_ai.operation.name"] for point in both] == ["chat", "embeddings"]


def test_each_target_has_its_server(so_far, request_line):
    (point,) = _told(so_far([request_line(0, target="b")]))["gen_ai.client.inference.duration"].histograms
    assert (point.attributes["server.address"], point.attributes["server.port"]) == ("b.example", 443)


def test_many_models_are_told_together(so_far, request_line):
    lines = [request_line(index, model=f"m{index}") for index in range(MOST_PLACES + 30)]
    points = _told(so_far(lines))["gen_ai.client.inference.duration"].histograms
    assert len(points) == MOST_PLACES + 1
    (rest,) = (point for point in points if "gen_ai.request.model" not in point.attributes)
    assert rest.attributes == {"otel.metric.overflow": True}
    assert rest.count == 30


def test_stages_and_outcomes_make_no_series_of_their_own(so_far, request_line):
    run = so_far([request_line(0, stage="a"), request_line(1, stage="b")])
    (point,) = _told(run)["gen_ai.client.inference.duration"].histograms
    assert point.count == 2
