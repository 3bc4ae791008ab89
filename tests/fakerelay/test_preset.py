from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.fakerelay.preset import names, read
from relayload.fakerelay.schema import RequestKind

MODEL = "models:\n  m: {ttft: {any: 100ms}, speed: 50/s, output_tokens: {any: 40}}\n"


def faults_of(tmp_path: Path, text: str, assignments: tuple[str, ...] = ()) -> list[str]:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(AuthorError) as error:
        read(str(file), assignments)
    return [str(fault).replace(str(file), "p.yaml") for fault in error.value.faults]


@pytest.mark.parametrize("name", names())
def test_shipped_presets_are_sound_and_say_what_they_are(name):
    preset = read(name)
    assert preset.name == name
    assert len(preset.description) > 20


@pytest.mark.parametrize(
    ("model", "kind", "p50_ms", "p99_ms"),
    [
        ("o3", RequestKind.SIMPLE, 45, 95),
        ("o4", RequestKind.SIMPLE, 48, 102),
        ("o3", RequestKind.CODE, 62, 145),
        ("o4", RequestKind.CODE, 70, 160),
        ("o3", RequestKind.MATH_PROOF, 180, 420),
        ("o4", RequestKind.MATH_PROOF, 195, 450),
        ("o4", RequestKind.IMAGE_REASONING, 85, 200),
    ],
)
def test_the_o_series_has_the_published_latencies(model, kind, p50_ms, p99_ms):
    times = read("o-series").models[model].ttft[kind.value]
    assert (times.p50, times.p99) == pytest.approx((p50_ms / 1e3, p99_ms / 1e3))


def test_the_o_series_has_four_models_of_which_two_see_images():
    models = read("o-series").models
    assert {name: model.images for name, model in models.items()} == {
        "o3": False,
        "o3-mini": False,
        "o4": True,
        "o4-mini": True,
    }


def test_a_preset_of_ones_own_is_named_like_its_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MODEL)
    assert read(str(file)).name == "mine"


def test_values_are_set_from_outside():
    preset = read("direct", ["models.gpt-4.1.speed=50/s", "capacity.slots=4", "faults=[{kind: crlf}]"])
    assert preset.models["gpt-4.1"].speed.p50 == 50
    assert preset.capacity is not None
    assert preset.capacity.slots == 4
    assert preset.faults[0].kind == "crlf"


def test_every_fault_has_its_place(tmp_path):
    text = MODEL + (
        "dialect: opnai\n"
        "limits:\n"
        "  - {requests: 5, models: [n]}\n"
        "  - {requests: 5/s, tokens: 5/s}\n"
        "faults:\n"
        "  - {kind: stal, for: 5s}\n"
        "  - {kind: stall, for: 5s, models: [m, mm]}\n"
        "  - {kind: status, status: 503, probability: 5}\n"
        "capacity: {slots: 0, queu: 3}\n"
    )
    assert faults_of(tmp_path, text) == [
        "p.yaml:3:10: dialect: expected 'openai', 'litellm', 'one-api', 'apisix', 'openrouter' or 'anthropic', "
        "got 'opnai'; did you mean 'openai'?",
        "p.yaml:5:16: limits.0.requests: expected a whole number per time such as '10/s', '300/min' or '5/2s', got '5'",
        "p.yaml:5:28: limits.0.models.0: unknown model 'n'; known: m",
        "p.yaml:6:5: limits.1: expected exactly one of 'requests', 'tokens' and 'concurrent'",
        "p.yaml:8:12: faults.0.kind: expected " + KINDS + ", got 'stal'; did you mean 'stall'?",
        "p.yaml:9:40: faults.1.models.1: unknown model 'mm'; did you mean 'm'?",
        "p.yaml:10:46: faults.2.probability: expected a share such as '1%', got '5'",
        "p.yaml:11:19: capacity.slots: expected greater than or equal to 1, got '0'",
        "p.yaml:11:22: capacity.queu: unknown key; did you mean 'queue'?",
    ]


KINDS = (
    "'status', 'refuse_connection', 'reset', 'slow_first_token', 'stall', 'truncate', 'error_event', "
    "'error_in_200', 'missing_usage', 'malformed_json', 'invalid_output', 'coalesce', 'fragment', 'split_utf8', "
    "'crlf', 'buffered', 'wrong_length', 'duplicate_chunk', 'huge_chunk', 'inflated_usage', 'hidden_prompt', "
    "'misreported_cache', 'cut_context', 'swapped_model', 'ignored_field' or 'wrong_answer'"
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "p.yaml: the file is empty"),
        ("- 1\n", "p.yaml:1:1: expected a mapping, got a list"),
        ("name: x\n", "p.yaml:1:1: models: is required"),
        (
            "models: {m: {ttft: {simple: 1s}, speed: 1/s, output_tokens: {any: 1}}}",
            "p.yaml:1:13: models.m: ttft lacks code, math_proof: give each kind, or 'any' for the others",
        ),
        (
            "models: {m: {ttft: {any: {p50: 2s, p99: 1s}}, speed: 1/s, output_tokens: {any: 1}}}",
            "p.yaml:1:26: models.m.ttft.any: expected 0 < p50 <= p99",
        ),
    ],
)
def test_a_preset_that_is_none_says_why(tmp_path, text, fault):
    assert faults_of(tmp_path, text)[0] == fault


def test_an_unknown_preset_is_told_its_nearest_name():
    with pytest.raises(AuthorError, match="there is no preset 'o-seris'; did you mean 'o-series'"):
        read("o-seris")


def test_a_wrong_override_is_a_fault(tmp_path):
    assert faults_of(tmp_path, MODEL, ("models.m.sped=5/s",)) == [
        "--set: models.m.sped: unknown key; did you mean 'speed'?"
    ]
