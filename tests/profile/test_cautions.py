import pytest

from relayload.document import parse
from relayload.profile.cautions import cautions
from relayload.profile.secrets import redacted, secret_locations


def told(text: str) -> list[str]:
    document = parse(text, "p.yaml")
    return [str(caution) for caution in cautions(document, secret_locations(document))]


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        (
            "target: {api_key: sk-abcdefgh123}",
            "1:19: target.api_key",
            "RELAY_API_KEY, and write api_key: ${env:RELAY_API_KEY}",
        ),
        (
            "target: {api_key: 0123456789abcdef0123456789abcdef}",
            "1:19: target.api_key",
            "api_key: ${env:RELAY_API_KEY}",
        ),
        ("targets: {my-one: {api_key: sk-abcdefgh123}}", "1:29: targets.my-one.api_key", "${env:MY_ONE_API_KEY}"),
        (
            "target: {headers: {X-Api-Key: sk-abcdefgh123}}",
            "1:31: target.headers.X-Api-Key",
            "X-Api-Key: ${env:RELAY_X_API_KEY}",
        ),
        ("target: {headers: {X-Team: sk-abcdefgh123}}", "1:28: target.headers.X-Team", "X-Team: ${env:RELAY_X_TEAM}"),
        (
            "scenarios: {a: {headers: {Cookie: abcdefgh0123456789xyz}}}",
            "1:35: scenarios.a.headers.Cookie",
            "${env:A_COOKIE}",
        ),
    ],
)
def test_a_key_in_plain_text_is_warned_of_with_the_line_to_write(text: str, place: str, line: str):
    (caution,) = told(text)
    assert caution.startswith(f"p.yaml:{place}: warning: a key in plain text, for whoever reads this file: ")
    assert caution.endswith(line)
    assert "abcdefgh" not in caution


@pytest.mark.parametrize(
    "text",
    [
        "target: {api_key: sk-fake}",
        "target: {api_key: none}",
        "target: {api_key: '${env:KEY}'}",
        "target: {api_key: '${file:key}'}",
        "target: {headers: {X-Team: load}}",
        "target: {headers: {x-portkey-custom-host: 'http://127.0.0.1:40829/v1'}}",
        "target: {headers: {X-Tokens: the-usual-number-of-tokens}}",
        "scenarios: {a: {prompt: {text: $HOME}}}",
        "scenarios: {a: {body: {user: $USER}}}",
        "target: {prices: {o3: {input: $2, output: $8.40}}}",
        "name: costs $5",
    ],
)
def test_what_is_no_key_is_not_warned_of(text: str):
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "caution"),
    [
        (
            "target: {api_key: $MINE_KEY}",
            "p.yaml:1:19: target.api_key: warning: '$MINE_KEY' is sent as it stands: "
            "for the variable write ${env:MINE_KEY}",
        ),
        (
            "target: {headers: {X-Auth: Bearer $MINE}}",
            "p.yaml:1:28: target.headers.X-Auth: warning: 'Bearer $MINE' is sent as it stands: "
            "for the variable write Bearer ${env:MINE}",
        ),
        (
            "scenarios: {a: {model: $MODEL}}",
            "p.yaml:1:24: scenarios.a.model: warning: '$MODEL' is sent as it stands: "
            "for the variable write ${env:MODEL}",
        ),
        (
            "target: {api_key: '%KEY%'}",
            "p.yaml:1:19: target.api_key: warning: '%KEY%' is sent as it stands: for the variable write ${env:KEY}",
        ),
    ],
)
def test_a_variable_of_a_shell_is_warned_of_with_what_to_write(text: str, caution: str):
    assert told(text) == [caution]


def test_a_header_that_holds_a_key_is_not_shown_whatever_its_name():
    data = {"target": {"headers": {"X-Team": "sk-abcdefgh123", "X-Other": "load"}}}
    document = parse("target: {headers: {X-Team: sk-abcdefgh123, X-Other: load}}", "p.yaml")
    assert redacted(data, secret_locations(document)) == {"target": {"headers": {"X-Team": "***", "X-Other": "load"}}}


def test_a_profile_knows_its_cautions(read, good):
    profile = read(f"{good}target: {{api_key: $MINE}}\n")
    assert [caution.path for caution in profile.cautions] == ["target.api_key"]
    assert read(good).cautions == ()


@pytest.mark.parametrize(
    ("objective", "meant"),
    [
        ("errors.rate > 1%", "errors.rate < 1%"),
        ("ttft{scenario=simple}.p95 >= 300ms", "ttft{scenario=simple}.p95 <= 300ms"),
        ("ttft.min > 1ms", None),
        ("breaker.trips >= 1", None),
        ("throughput.per_second > 1", None),
    ],
)
def test_an_objective_that_demands_bad_numbers_is_warned_of(read, good, objective, meant):
    cautions = read(f"{good}objectives: ['{objective}']\n").cautions
    told = f"warning: '{objective}' demands bad numbers: an objective states what must hold, such as '{meant}'"
    assert [caution.message for caution in cautions] == ([] if meant is None else [told])
    assert {caution.line for caution in cautions} <= {good.count("\n") + 1}


@pytest.mark.parametrize(
    ("client", "warned"),
    [
        ("{retry: {attempts: 3}}", True),
        ("{retry: {attempts: 3}, quota: {tokens: 1k/min}}", True),
        ("{retry: {attempts: 3}, quota: {requests: 10/s}}", False),
        ("{retry: {attempts: 3}, quota: from_headers}", False),
        ("{retry: {attempts: 1}}", False),
        ("{timeout: 5s}", False),
        ("null", False),
    ],
)
def test_retries_beyond_the_limits_are_warned_of(read, good, client, warned):
    text = good.replace("kind: open", "kind: open\n  limits: {per_second: 10, per_minute: 300}")
    cautions = read(f"{text}client: {client}\n").cautions
    told = (
        "warning: limits do not hold retries, which come on top: "
        "client.quota: {requests: [10/s, 300/min]} holds them too"
    )
    assert [(caution.path, caution.message) for caution in cautions] == ([("load.limits", told)] if warned else [])
    assert read(f"{good}client: {client}\n").cautions == ()


REMOTE = "base_url: https://relay.example/v1"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("env:MY_KEY", "${env:MY_KEY}"),
        ("MY_KEY", "${env:MY_KEY}"),
        ("'{{MY_KEY}}'", "${env:MY_KEY}"),
        ("'{{ env.MY_KEY }}'", "${env:MY_KEY}"),
        ("'{MY_KEY}'", "${env:MY_KEY}"),
        ("file:key.txt", "${file:key.txt}"),
    ],
)
def test_a_reference_in_another_spelling_is_warned_of_with_ours(key: str, meant: str):
    (caution,) = told(f"target: {{api_key: {key}}}")
    bare = key.strip("'")
    what = "content of the file" if key.startswith("file:") else "variable"
    assert caution.endswith(f"warning: '{bare}' is sent as it stands: for the {what} write {meant}")


@pytest.mark.parametrize(
    "key", ["sk-...", "<key>", "sk-xxxxxxxx", "your-api-key", "YOUR_API_KEY_HERE1", "changeme", "sk-***"]
)
def test_a_placeholder_is_warned_of(key: str):
    (caution,) = told(f"target: {{{REMOTE}, api_key: '{key}'}}")
    assert "warning: a placeholder, which is sent as it stands: put the key into the variable RELAY_API_KEY" in caution


@pytest.mark.parametrize("key", ["sk-mine", "hunter2", "abc"])
def test_any_plain_key_of_another_machine_is_warned_of(key: str):
    (caution,) = told(f"target: {{{REMOTE}, api_key: {key}}}")
    assert "warning: a key in plain text, for whoever reads this file: put the key into" in caution
    assert key not in caution


@pytest.mark.parametrize(
    "target",
    [
        f"{REMOTE}, api_key: sk-fake",
        f"{REMOTE}, api_key: none",
        f"{REMOTE}, api_key: EMPTY",
        "base_url: http://127.0.0.1:8000/v1, api_key: sk-mine",
        "base_url: 'http://[::1]:8000/v1', api_key: sk-mine",
        "base_url: http://localhost/v1, api_key: sk-mine",
        "base_url: fake://o-series, api_key: sk-mine",
        "base_url: '${env:RELAY_BASE_URL:-fake://o-series}', api_key: sk-mine",
        "api_key: sk-mine",
    ],
)
def test_a_short_key_of_this_machine_and_a_word_for_none_are_not_warned_of(target: str):
    assert told(f"target: {{{target}}}") == []


@pytest.mark.parametrize(
    ("objective", "audit", "meant"),
    [
        ("usage.input_factor < 1.01", "", None),
        ("usage.input_factor < 1.01", "{answers: 0}", "{answers: 500}"),
        ("model.differs == 0", "", "{share: 1%, reference: TARGET}"),
        ("model.differs == 0", "{share: 1%}", "{reference: TARGET}"),
        ("answers.checked.rate >= 98%", "", "{share: 1%, questions: [checked]}"),
        ("answers.checked.rate >= 98%", "{share: 1%, questions: [sums]}", None),
        ("answers.checked.rate >= 98%", "{share: 1%, questions: [open]}", "{share: 1%, questions: [checked]}"),
    ],
)
def test_an_objective_without_answers_to_judge_is_told(objective: str, audit: str, meant: str | None, read, good):
    cautions = read(f"{good}objectives: ['{objective}']\n{f'audit: {audit}' if audit else ''}\n").cautions
    told = f"warning: '{objective}' has no answers to judge in a run: write audit: {meant}, or run relayload audit"
    assert [caution.message for caution in cautions] == ([] if meant is None else [told])
