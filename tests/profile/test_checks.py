from decimal import Decimal

import pytest

from relayload.core.resilience.guard import Caps
from relayload.fakerelay import preset

STAGES = "stages:\n    - {for: 10s, rate: 5/s}"
BATCH_KEYS = "batch_size, graceful_stop, kind, max_concurrent, requests"
ROW = "2023-11-16 18:15:46.68,5,5"
REPLAY = "arrivals: {trace: azure.csv, format: azure}"


def with_load(good: str, lines: str) -> str:
    assert STAGES in good
    return good.replace(STAGES, lines)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("max_in_flight: 5", ["p.yaml:2:1: load.stages: at least one is needed, such as {for: 1m, rate: 5/s}"]),
        ("stages: []", ["p.yaml:4:11: load.stages: at least one is needed, such as {for: 1m, rate: 5/s}"]),
        ("stages: [{for: 1s}]", ["p.yaml:4:12: load.stages.0.rate: is required, such as '5/s' or '300/min'"]),
        (
            "stages: [{for: 1s, rate: null}]",
            ["p.yaml:4:28: load.stages.0.rate: is required, such as '5/s' or '300/min'"],
        ),
        (
            "stages: [{for: 1s, rate: 0/s}, {for: 1s, rate: 0/min, to: 0/s}]",
            ["p.yaml:4:11: load.stages: nothing would be sent: give one a rate above zero"],
        ),
        (
            "stages: [{for: 1s, rate: 1/s, warmup: true}, {for: 1s, rate: 0/s}]",
            [
                "p.yaml:4:64: load.stages.1.rate: nothing is sent at this rate, and no other measured stage sends "
                "anything: give one a rate above zero; for a silence between stages write {pause: 10s}"
            ],
        ),
        (
            "stages: [{for: 1s, rate: 1/s, warmup: true}]",
            ["p.yaml:4:11: load.stages: all are warm-ups, cool-downs or pauses: nothing would be measured"],
        ),
        (
            "stages: [{for: 1s, rate: 1/s}, {name: stage-1, for: 1s, rate: 1/s}]",
            ["p.yaml:4:41: load.stages.1.name: 'stage-1' is the name of an earlier stage too"],
        ),
        ("stages: 5", ["p.yaml:4:11: load.stages: expected a list, got '5'"]),
        (
            "stages: [5]",
            [
                "p.yaml:4:12: load.stages.0.rate: is required, such as '5/s' or '300/min'",
                "p.yaml:4:12: load.stages.0: expected a mapping, got '5'",
            ],
        ),
    ],
)
def test_the_stages_of_an_open_load_send_something_that_is_measured(faults, good, stages, expected):
    assert faults(with_load(good, stages)) == expected


def test_a_rate_of_zero_is_a_pause(read, good):
    profile = read(with_load(good, "stages: [{for: 1s, rate: 1/s}, {for: 1s, rate: 0/s}, {for: 1s, rate: 1/s}]"))
    assert [stage.rate_per_s for stage in profile.load.stages] == [1.0, 0.0, 1.0]


def test_the_stages_of_a_closed_load_have_no_rates(faults, good):
    text = with_load(good, "users: 5\n  stages: [{for: 1s, rate: 5/s}]").replace("kind: open", "kind: closed")
    assert faults(text) == ["p.yaml:5:22: load.stages.0.rate: unknown key; known: cooldown, for, name, warmup"]


def test_a_closed_load_needs_a_stage(faults, good):
    text = with_load(good, "users: 5").replace("kind: open", "kind: closed")
    assert faults(text) == ["p.yaml:2:1: load.stages: at least one is needed, such as {for: 1m}"]


def test_a_replay_takes_its_rates_from_the_trace(faults, good, trace_file):
    trace_file(ROW)
    told = "the trace gives the rate: leave this out, or change load.arrivals.speed"
    assert faults(with_load(good, f"{REPLAY}\n  stages: [{{for: 1s, rate: 5/s, to: 6/s}}]")) == [
        f"p.yaml:5:22: load.stages.0.rate: {told}",
        f"p.yaml:5:33: load.stages.0.to: {told}",
    ]


def test_a_replay_needs_neither_stages_nor_prompts(read, good, trace_file):
    trace_file(ROW)
    profile = read(with_load(good, REPLAY).replace(", prompt: simple", ""))
    assert (profile.load.stages, profile.scenarios["simple"].prompt) == ((), None)


@pytest.mark.parametrize(
    ("rows", "header", "expected"),
    [
        ([], None, "azure.csv: holds no rows"),
        ([ROW, ROW, "x"], None, "azure.csv:4:1: expected 3 columns, got 1"),
        (
            [ROW],
            "time,in,out",
            "azure.csv:1:1: there is no column 'TIMESTAMP': found time, in, out",
        ),
    ],
)
def test_a_trace_is_read_before_the_run_and_its_faults_are_told_where_it_is_named(
    faults, good, trace_file, rows, header, expected
):
    trace_file(*rows, **({"header": header} if header else {}))
    assert faults(with_load(good, REPLAY)) == [f"p.yaml:4:21: load.arrivals.trace: {expected}"]


def test_a_trace_that_is_not_there_is_told_with_the_path_that_was_tried(faults, good):
    assert faults(with_load(good, "arrivals: {trace: no/azure.csv, format: azure}")) == [
        "p.yaml:4:21: load.arrivals.trace: no/azure.csv: cannot be read: No such file or directory"
    ]


def test_a_trace_whose_variable_is_not_set_is_told_once(faults, good):
    (told,) = faults(with_load(good, "arrivals: {trace: '${env:TRACE}', format: azure}"))
    assert told.startswith("p.yaml:4:21: load.arrivals.trace: the environment variable TRACE is not set")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "format: azur",
            "format: expected 'azure', 'burstgpt', 'mooncake', 'csv' or 'jsonl', got 'azur'; did you mean 'azure'?",
        ),
        ("format: azure, speed: 0", "speed: expected greater than 0, got '0'"),
        ("format: azure, limit: 0", "limit: expected greater than or equal to 1, got '0'"),
        ("format: azure, loop: true", "loop: has no end: say when by load.stages, such as [{for: 10m}]"),
        ("format: azure, form: 1", "form: unknown key; did you mean 'format'?"),
        ("format: azure, sample: 0%", "sample: expected greater than 0, got '0%'"),
        ("format: azure, from: 10s, to: 10s", "'to' must be after 'from'"),
        ("format: azure, unit: ms", "the columns of azure are known: leave out columns and unit"),
        ("format: csv", "a csv file needs columns: {at: ..., input_tokens: ..., output_tokens: ...}"),
        ("format: csv, columns: {}", "columns.at: is required"),
        ("format: csv, columns: {at: a, blocks: b}", "columns.blocks are lists, which only jsonl has"),
    ],
)
def test_the_options_of_a_trace_are_checked(faults, good, trace_file, options, expected):
    trace_file(ROW)
    (told,) = faults(with_load(good, f"arrivals: {{trace: azure.csv, {options}}}"))
    assert told.removeprefix("p.yaml:").split(": ", 1)[1].removeprefix("load.arrivals").strip(".: ") == expected


def test_a_scenario_needs_a_prompt_where_no_trace_says_its_length(faults, good):
    assert faults(good.replace(", prompt: simple", "")) == [
        "p.yaml:7:3: scenarios.simple.prompt: is required: "
        "simple, code, math_proof, image_reasoning, {text: ...} or {file: ...}; or input_tokens"
    ]


def test_scenarios_that_make_the_same_class_are_told(faults, good):
    assert faults(f"{good}  a-b: {{model: o3, prompt: code}}\n  a_b: {{model: o3, prompt: code}}\n") == [
        "p.yaml:9:3: scenarios.a_b: 'a_b' and 'a-b' make the same class name"
    ]


def test_a_host_that_is_not_allowed_is_told_with_the_line_to_add(faults, read, good):
    text = f"{good}target: {{base_url: 'https://relay.test/v1'}}\n"
    assert faults(text) == [
        "p.yaml:8:20: target.base_url: 'relay.test' is not this machine; to send load there, "
        "write guardrails: {allow_hosts: [relay.test], max_requests: 20000, max_duration: 30m, max_usd: $5}"
    ]
    bounds = "allow_hosts: [relay.test], max_requests: 10, max_duration: 1m, max_usd: $0.50"
    priced = text.replace("/v1'", "/v1', prices: holysheep")
    profile = read(f"{priced}guardrails: {{{bounds}}}\n")
    assert profile.target.host == "relay.test"
    assert profile.guardrails.caps == Caps(10, Decimal("0.50"))


def test_a_target_elsewhere_needs_every_bound(faults, good):
    text = f"{good}target: {{base_url: 'https://relay.test/v1'}}\n"
    assert faults(f"{text}guardrails: {{allow_hosts: [relay.test], max_duration: 1m}}\n") == [
        "p.yaml:9:13: guardrails: load for 'relay.test' needs bounds: write max_requests: 20000, max_usd: $5"
    ]


@pytest.mark.parametrize("url", ["http://localhost:4000/v1", "http://127.0.0.1:4000/v1"])
def test_a_cap_of_dollars_needs_the_price_of_every_model(faults, read, good, url):
    text = f"{good}target: {{base_url: '{url}', prices: {{o9: {{input: $1, output: $2}}}}}}\n"
    assert faults(f"{text}guardrails: {{max_usd: 5}}\n") == [
        f"p.yaml:8:{32 + len(url)}: target.prices: none for 'o3', so max_usd could not be kept: "
        "write target.prices: {o3: {input: $2, output: $8}}, per million tokens"
    ]
    assert read(f"{text.replace('o9', 'any')}guardrails: {{max_usd: 5}}\n").guardrails.max_usd == 5
    assert read(text).guardrails.max_usd is None


def test_a_fake_relay_costs_nothing_without_a_price(read, good):
    assert read(f"{good}guardrails: {{max_usd: $5}}\n").guardrails.max_usd == 5


@pytest.mark.parametrize(
    ("guardrails", "told"),
    [
        ("max_requests: 0", "max_requests: expected greater than or equal to 1, got '0'"),
        ("max_duration: 10", "max_duration: expected a duration such as '800ms', '30s' or '1h30m', got '10'"),
        ("max_usd: 5€", "max_usd: expected dollars such as '$5' or '$0.01', got '5€'"),
        ("fuse: {errors: 5}", "fuse.errors: expected a share such as '1%', got '5'"),
        ("fuse: {auth_failure: 5}", "fuse.auth_failure: unknown key; did you mean 'auth_failures'?"),
    ],
)
def test_bounds_that_cannot_be_read_are_faults(faults, good, guardrails, told):
    (fault,) = faults(f"{good}guardrails: {{{guardrails}}}\n")
    assert fault.endswith(f": guardrails.{told}")


def test_a_fake_relay_needs_a_preset_that_exists(faults, good):
    (told,) = faults(f"{good}target: {{base_url: 'fake://o-serie'}}\n")
    assert told == "p.yaml:8:20: target.base_url: there is no preset 'o-serie'; did you mean 'o-series'?"


@pytest.mark.parametrize("name", preset.names())
def test_every_preset_of_the_fake_relay_can_be_a_target(read, good, name):
    assert read(f"{good}target: {{base_url: 'fake://{name}'}}\n").target.fake_preset == name


def test_objectives_name_what_the_profile_knows(faults, good):
    objectives = "['ttft{scenario=simpel}.p99<1s', {expr: 'latency{stage=two,model=o4}.p50<1s'}]"
    assert faults(f"{good}objectives: {objectives}\n") == [
        "p.yaml:8:14: objectives.0 (1st objective): unknown scenario 'simpel': did you mean 'simple'?",
        "p.yaml:8:53: objectives.1.expr (2nd objective): unknown stage 'two': expected one of stage-1",
        "p.yaml:8:53: objectives.1.expr (2nd objective): unknown model 'o4': expected one of o3",
    ]


def test_the_one_stage_of_a_replay_has_a_name(read, good, trace_file):
    trace_file(ROW)
    profile = read(f"{with_load(good, REPLAY)}objectives: ['ttft{{stage=trace}}.p99 < 1s']\n")
    assert profile.objectives[0].tags[0].value == "trace"


def test_objectives_are_not_held_against_names_that_are_not_there(faults, good):
    text = good.replace("{model: o3, prompt: simple}", "{}").replace("  simple: {}", "  {}")
    (told,) = faults(f"{text}objectives: ['ttft{{scenario=simple}}.p99 < 1s']\n")
    assert told.startswith("p.yaml:7:3: scenarios: at least one is needed")


def test_certificates_that_cannot_be_used_are_faults(faults, good):
    target = "target: {base_url: https://localhost/v1, tls: {ca_file: none.pem, client_cert: none.pem}}\n"
    (said,) = faults(good + target)
    assert said.startswith("p.yaml:8:57: target.tls.ca_file: cannot be used: ")


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ("holyshep", "p.yaml:8:18: target.prices: there is no price list 'holyshep'; did you mean 'holysheep'?"),
        ("no.yaml", "p.yaml:8:18: target.prices: no.yaml: cannot be read: No such file or directory"),
        ("{o3: {input: $2}}", "p.yaml:8:19: target.prices.o3.output: is required"),
        (
            "{o3: {input: two, output: $2}}",
            "p.yaml:8:31: target.prices.o3.input: expected dollars such as '$5' or '$0.01', got 'two'",
        ),
    ],
)
def test_prices_that_cannot_be_read_are_faults(faults, good, tmp_path, prices, expected):
    assert [fault.replace(f"{tmp_path}/", "") for fault in faults(f"{good}target: {{prices: {prices}}}\n")] == [
        expected
    ]


FREE = "arrivals: {trace: f.csv, format: csv, columns: {at: when, %s}}"


def test_a_trace_of_times_alone_needs_prompts(faults, read, good, tmp_path):
    (tmp_path / "f.csv").write_text("when,in\n1,5\n")
    text = with_load(good, FREE % "output_tokens: in").replace(", prompt: simple", "")
    (told,) = faults(text)
    assert told.startswith("p.yaml:6:3: scenarios.simple.prompt: is required")
    assert read(with_load(good, FREE % "input_tokens: in").replace(", prompt: simple", "")).load.arrivals.sized


def test_rows_may_name_scenarios_and_models_which_objectives_know(faults, read, good, tmp_path):
    (tmp_path / "f.csv").write_text("when,kind,llm\n1,simple,o9\n")
    text = with_load(good, FREE % "scenario: kind, model: llm")
    assert read(f"{text}objectives: ['ttft{{model=o9}}.p50 < 1s']\n").objectives
    (tmp_path / "f.csv").write_text("when,kind,llm\n1,simpel,o9\n")
    assert faults(text) == [
        "p.yaml:4:21: load.arrivals.trace: f.csv:2:3: kind: unknown scenario 'simpel'; did you mean 'simple'?"
    ]


def test_blocks_are_the_prompt(faults, good, tmp_path):
    (tmp_path / "m.jsonl").write_text('{"timestamp": 1, "input_length": 5, "output_length": 5, "hash_ids": [1]}\n')
    assert faults(with_load(good, "arrivals: {trace: m.jsonl, format: mooncake}")) == [
        "p.yaml:6:23: scenarios.simple.prompt: the blocks of the trace are the prompt: leave this out"
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("batch_size: 5", ["p.yaml:2:1: load.requests: is required"]),
        ("requests: 0", ["p.yaml:4:13: load.requests: expected greater than or equal to 1, got '0'"]),
        (
            "requests: 2000000",
            ["p.yaml:4:13: load.requests: expected less than or equal to 1000000, got '2000000'"],
        ),
        (
            "requests: 5\n  max_concurrent: 0",
            ["p.yaml:5:19: load.max_concurrent: expected greater than or equal to 1, got '0'"],
        ),
        ("requests: 5\n  stages: [{for: 1s, rate: 5}]", [f"p.yaml:5:3: load.stages: unknown key; known: {BATCH_KEYS}"]),
        (
            "requests: 5\n  arrivals: {trace: a.csv, format: azure}",
            [f"p.yaml:5:3: load.arrivals: unknown key; known: {BATCH_KEYS}"],
        ),
        ("requests: 5\n  limits: {per_second: 5}", [f"p.yaml:5:3: load.limits: unknown key; known: {BATCH_KEYS}"]),
        ("requests: 5\n  batchsize: 5", ["p.yaml:5:3: load.batchsize: unknown key; did you mean 'batch_size'?"]),
    ],
)
def test_what_a_batch_load_can_not_say_is_told(faults, good, lines, expected):
    assert faults(with_load(good, lines).replace("kind: open", "kind: batch")) == expected


def test_a_batch_holds_no_conversations(faults, good):
    text = with_load(good, "requests: 5").replace("kind: open", "kind: batch")
    assert faults(text.replace("prompt: simple", "prompt: simple, conversation: {turns: 3}")) == [
        "p.yaml:6:39: scenarios.simple.conversation: a batch is a list of single requests: leave this out"
    ]


def test_objectives_of_a_batch_name_its_stage_and_its_makespan(read, faults, good):
    asked = "objectives: [batch.makespan < 5m, 'latency{stage=batch}.p50 < 1s']\n"
    assert len(read(with_load(good, "requests: 5").replace("kind: open", "kind: batch") + asked).objectives) == 2
    assert faults(f"{good}{asked}") == [
        "p.yaml:8:14: objectives.0 (1st objective): only a batch load has a makespan: write load: {kind: batch}",
        "p.yaml:8:35: objectives.1 (2nd objective): unknown stage 'batch': expected one of stage-1",
    ]
