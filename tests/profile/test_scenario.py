import pytest

from relayload.core.objectives.grammar import parse

SCENARIO = "simple: {model: o3, prompt: simple}"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{model: {}, prompt: code}", "model: at least one is needed, such as {o3: 3, o4-mini: 1}"),
        ("{model: {o3: 0}, prompt: code}", "leave out a model that is not to be asked"),
        ("{model: o3, input_tokens: {from: 9, to: 3}}", "'to' must not be below 'from': got 9 and 3"),
        ("{model: o3, input_tokens: {p50: 9, p99: 3}}", "'p99' must be above 'p50': got 3 and 9"),
        ("{model: o3, input_tokens: {p50: 9, p9: 30}}", "unknown key; did you mean 'p99'?"),
        ("{model: o3, input_tokens: 5k}", "expected a whole number, got '5k'"),
        ("{model: o3, input_tokens: []}", "expected at least one value"),
        ("{model: o3, input_tokens: {file: none.txt}}", "none.txt: cannot be read: No such file or directory"),
        (
            "{model: o3, prompt: code, conversation: {turns: {file: bad.txt}}}",
            "scenarios.simple.conversation.turns.file: ",
        ),
        (
            "{model: o3, prompt: code, conversation: {turns: 2, input_tokens: {file: none.txt}}}",
            "conversation.input_tokens.file: none.txt: cannot be read: No such file or directory",
        ),
        ("{model: o3, input_tokens: {file: bad.txt}}", "bad.txt:2: expected a whole number above 0, got 'x'"),
        (
            "{model: o3}",
            "is required: simple, code, math_proof, image_reasoning, {text: ...} or {file: ...}; or input_tokens",
        ),
        ("{model: o3, prompt: {file: none.txt}}", "none.txt: cannot be read: No such file or directory"),
        ("{model: o3, prompt: {file: bad.jsonl}}", "bad.jsonl:1: expected a JSON object"),
        (
            "{model: o3, prompt: {template: '{{nme}}', variables: {name: [a]}}}",
            "'{{nme}}' is no variable; did you mean",
        ),
        ("{model: o3, prompt: {template: 'x', variables: {n: [a]}}}", "the variable 'n' is not in the template"),
        ("{model: o3, prompt: {template: '{{n}}', variables: {n: {from: 2, to: 1}}}}", "'to' must not be below 'from'"),
        ("{model: o3, prompt: {template: '{{n}}', variables: {n: []}}}", "expected at least one value"),
        ("{model: o3, prompt: code, language: fr}", "'fr'"),
        ("{model: o3, prompt: code, images: {width: 9999}}", "'9999'"),
        ("{model: o3, prompt: code, shared_prefix: 30%}", "is a part of input_tokens: write these, too"),
        ("{model: o3, prompt: code, body: {messages: []}}", "'messages' is said by the scenario: use its 'prompt'"),
        ("{model: o3, prompt: code, headers: {Authorization: x}}", "write the key as target.api_key"),
        (
            "{model: o3, prompt: code, min_tokens: 9, max_output_tokens: 5}",
            "min_tokens (9) is above max_output_tokens (5)",
        ),
    ],
)
def test_what_is_wrong_with_a_scenario_is_told(faults, good, tmp_path, written, told):
    (tmp_path / "bad.txt").write_text("5\nx\n")
    (tmp_path / "bad.jsonl").write_text("{\n")
    assert told in "\n".join(faults(good.replace(SCENARIO, f"simple: {written}")))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "endpoint: response",
            "endpoint: expected 'chat', 'responses', 'embeddings' or 'messages', got 'response'; did you mean",
        ),
        (
            "endpoint: messages",
            "endpoint: every message needs a budget: write max_output_tokens: 1024, or --max-tokens 1024",
        ),
        ("endpoint: messages, max_output_tokens: 9, inputs: 2", "inputs: is for endpoint: embeddings; a message has"),
        (
            "endpoint: messages, max_output_tokens: 9, response_format: {type: json_object}",
            "response_format: is of chat completions: write body: {output_config: {format: ...}}",
        ),
        (
            "endpoint: messages, max_output_tokens: 9, reasoning_effort: low, body: {output_config: {format: {}}}",
            "reasoning_effort: body.output_config goes first",
        ),
        ("inputs: 2", "inputs: is for endpoint: embeddings; a chat has one prompt"),
        ("endpoint: responses, inputs: 2", "inputs: is for endpoint: embeddings; a response has one prompt"),
        (
            "endpoint: responses, response_format: {type: json_object}",
            "response_format: is of chat completions: write body: {text: {format: ...}}",
        ),
        (
            "endpoint: responses, reasoning_effort: low, body: {reasoning: {summary: auto}}",
            "reasoning_effort: body.reasoning goes first: write {effort: ...} there, and leave this out",
        ),
        ("endpoint: responses, body: {input: x}", "'input' is said by the scenario: use its 'prompt'"),
        ("endpoint: embeddings, stream: true", "stream: embeddings are not streamed: leave this out"),
        ("endpoint: embeddings, max_output_tokens: 9", "max_output_tokens: an embedding has no text of its own"),
        ("endpoint: embeddings, min_tokens: 9", "min_tokens: an embedding has no text of its own"),
        ("endpoint: embeddings, ignore_eos: true", "ignore_eos: an embedding has no text of its own"),
        ("endpoint: embeddings, temperature: 0", "temperature: an embedding has no text of its own"),
        ("endpoint: embeddings, reasoning_effort: low", "reasoning_effort: an embedding has no text of its own"),
        ("endpoint: embeddings, response_format: {}", "response_format: an embedding has no text of its own"),
        ("endpoint: embeddings, tools: []", "tools: embeddings are of texts alone"),
        ("endpoint: embeddings, tool_choice: auto", "tool_choice: embeddings are of texts alone"),
        ("endpoint: embeddings, images: {}", "images: embeddings are of texts alone"),
        ("endpoint: embeddings, conversation: {turns: 2}", "conversation: embeddings are of texts alone"),
        ("endpoint: embeddings, cancel: {after_tokens: 3}", "cancel.after_tokens needs stream: true"),
        ("endpoint: embeddings, inputs: 2049", "inputs: expected less than or equal to 2048"),
    ],
)
def test_what_an_endpoint_has_no_place_for_is_told_where_it_stands(faults, good, written, told):
    (fault,) = faults(good.replace(SCENARIO, f"simple: {{model: o3, prompt: simple, {written}}}"))
    assert fault.startswith("p.yaml:7:")
    assert told in fault


def test_a_picture_is_not_embedded(faults, good):
    pictured = "simple: {model: o3, endpoint: embeddings, prompt: image_reasoning}"
    (fault,) = faults(good.replace(SCENARIO, pictured))
    assert "scenarios.simple.prompt: 'image_reasoning' has a picture" in fault


def test_embeddings_are_not_streamed_and_may_say_so(read, good):
    for more in ("", ", stream: false"):
        profile = read(good.replace(SCENARIO, f"simple: {{model: e, prompt: simple, endpoint: embeddings{more}}}"))
        assert not profile.scenarios["simple"].streams


def test_an_objective_may_name_any_model_of_a_mix(read, good):
    mixed = good.replace("model: o3", "model: {o3: 1, o4: 1}") + "objectives: ['ttft{model=o4}.p50 < 1s']\n"
    assert read(mixed).scenarios["simple"].models == {"o3": 1, "o4": 1}


def test_an_objective_of_a_scenario_is_about_that_scenario_alone(read, good):
    own = "objectives: [ttft.p99 < 1s, 'latency{outcome=ok}.p50<2s', {expr: errors.rate < 1%}]"
    profile = read(good.replace(SCENARIO, f"simple: {{model: o3, prompt: simple, {own}}}"))
    assert [objective.text for objective in profile.objectives] == [
        "ttft{scenario=simple}.p99 < 1s",
        "latency{scenario=simple, outcome=ok}.p50<2s",
        "errors{scenario=simple}.rate < 1%",
    ]
    assert [parse(objective.text) for objective in profile.objectives] == list(profile.objectives)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("'ttft{scenario=simple}.p99 < 1s'", "names a scenario already"),
        ("'ttft{stage=x}.p99 < 1s'", "unknown stage 'x'"),
        ("'ttft.p99'", "expected an objective such as"),
    ],
)
def test_what_is_wrong_with_an_objective_of_a_scenario_is_told(faults, good, own, told):
    (fault,) = faults(good.replace(SCENARIO, f"simple: {{model: o3, prompt: simple, objectives: [{own}]}}"))
    assert fault.startswith("p.yaml:7:52: scenarios.simple.objectives.0 (1st objective): ")
    assert told in fault


@pytest.mark.parametrize(
    ("cancel", "told"),
    [
        ("{share: 10%}", "expected after, after_tokens or both, such as {share: 10%, after: 2s}"),
        ("{after_tokens: 3}, stream: false", "cancel.after_tokens needs stream: true"),
    ],
)
def test_what_is_wrong_with_a_cancellation_is_told(faults, good, cancel, told):
    (fault,) = faults(good.replace(SCENARIO, f"simple: {{model: o3, prompt: simple, cancel: {cancel}}}"))
    assert told in fault


def test_a_conversation_does_not_go_with_limits(faults, good):
    talking = good.replace(SCENARIO, "simple: {model: o3, prompt: simple, conversation: {turns: 3, think_time: 1s}}")
    (fault,) = faults(talking, "load.limits.per_second=5")
    assert "scenarios.simple.conversation: later turns could break load.limits: leave out one of them" in fault


def test_the_official_sdk_has_no_messages(faults, good):
    scenario = "simple: {model: o3, endpoint: messages, prompt: simple, max_output_tokens: 9}"
    (fault,) = faults("driver: openai\n" + good.replace(SCENARIO, scenario))
    assert "scenarios.simple.endpoint: the SDK of driver: openai has no Messages API: write driver: native" in fault
