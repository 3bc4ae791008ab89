"""The `telemetry:` of a profile, and what is wrong with others."""

from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.core.model.semconv import Semconv
from relayload.profile.loading import load

_PROFILE = """
name: telemetry
load: {kind: open, arrivals: constant, stages: [{for: 1s, rate: 5/s}]}
scenarios:
  simple: {model: o3, prompt: simple%s}
"""


def _loaded(tmp_path: Path, telemetry: str, more: str = ""):
    file = tmp_path / "p.yaml"
    file.write_text(_PROFILE % more + telemetry)
    return load(file)


def test_nothing_said_is_the_latest_version_and_no_traces(tmp_path):
    telemetry = _loaded(tmp_path, "").telemetry
    assert (telemetry.semconv, telemetry.provider, telemetry.traced_share) == (Semconv.GENAI_0_1, "openai", None)


@pytest.mark.parametrize("name", list(Semconv))
def test_a_version_is_chosen_by_its_name(tmp_path, name):
    assert _loaded(tmp_path, f"telemetry: {{semconv: {name.value}}}\n").telemetry.semconv is name


@pytest.mark.parametrize(
    ("written", "share"), [("all", 1.0), ("none", None), ("sample 1%", 0.01), ("sample  12.5 %", 0.125)]
)
def test_traces_are_of_all_of_a_share_or_of_none(tmp_path, written, share):
    found = _loaded(tmp_path, f"telemetry: {{traceparent: {written}}}\n").telemetry.traced_share
    assert found == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{semconv: genai-0.2}", "telemetry.semconv: expected 'genai-0.1', 'otel-1.41', 'both' or 'none'"),
        ("{semcov: none}", "telemetry.semcov: unknown key; did you mean 'semconv'?"),
        ("{provider: ''}", "telemetry.provider: "),
        ('{provider: "a\\nb"}', "telemetry.provider: expected a short name in one line"),
        (
            "{traceparent: some}",
            "telemetry.traceparent: expected all, none, or a share such as 'sample 1%', got 'some'",
        ),
        ("{traceparent: 1%}", "telemetry.traceparent: expected all, none, or a share"),
        ("{traceparent: sample 0%}", "telemetry.traceparent: expected all, none, or a share"),
        ("{traceparent: sample 101%}", "telemetry.traceparent: expected all, none, or a share"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(tmp_path, written, told):
    with pytest.raises(AuthorError) as wrong:
        _loaded(tmp_path, f"telemetry: {written}\n")
    assert "p.yaml:6:" in str(wrong.value)
    assert told in str(wrong.value)


@pytest.mark.parametrize("where", ["scenario", "target", "targets"])
def test_a_header_that_two_parts_set_is_a_fault(tmp_path, where):
    headers = ", headers: {Traceparent: 00-x}" if where == "scenario" else ""
    target = "{base_url: http://127.0.0.1:1/v1, headers: {traceparent: 00-x}}"
    more = {
        "target": f"target: {target}\n",
        "targets": f"targets:\n  a: {target}\n  b: {{base_url: fake://o-series}}\n",
    }
    text = "telemetry: {traceparent: sample 5%}\n" + more.get(where, "")
    with pytest.raises(AuthorError, match=r"telemetry\.traceparent sets this header for each request: leave out one"):
        _loaded(tmp_path, text, headers)
    _loaded(tmp_path, text.replace("sample 5%", "none"), headers)
